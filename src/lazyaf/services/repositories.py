"""Make, show and delete repositories."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from lazyaf.domain.errors import Conflict, Invalid, NameTaken, NotFound
from lazyaf.domain.events import SERVER, Actor, EventType, NewEvent
from lazyaf.domain.remotes import ImportState, Remote
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.remote_login import seal
from lazyaf.services.views import repo_view
from lazyaf.store.attachments import hashes_of
from lazyaf.store.jobs import count_open
from lazyaf.store.repos import (
    RepoRow,
    find_repo_by_name,
    get_repo,
    insert_repo,
    list_deleting,
    list_repos,
    remove_repo,
    update_repo,
)
from lazyaf.store.tx import Tx

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_NAME = re.compile(NAME_PATTERN)
_BRANCH = re.compile(
    r"^(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[^\s~^:?*\[\\\x00-\x20\x7f-][^\s~^:?*\[\\\x00-\x20\x7f]*(?<![./])$"
)
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def require_name(name: str) -> None:
    """Refuse a name that could not stand in a URL."""
    if not _NAME.match(name) or name in (".", "..") or name.endswith(".git") or _UUID.match(name):
        raise Invalid.field(
            "name",
            "A repository's name begins with a letter or digit and holds letters, digits, dots, "
            "hyphens and underscores, 100 at most; it does not end in .git.",
        )


def require_branch(branch: str, *, field: str = "default_branch") -> None:
    """Refuse what git would not take as a branch name."""
    if len(branch) > 255 or not _BRANCH.match(branch):
        raise Invalid.field(field, f"“{branch}” cannot be the name of a branch in git.")


async def create_repo(
    ctx: Context,
    *,
    name: str,
    remote: Remote | None,
    default_branch: str,
    actor: Actor,
    importing: bool = False,
    repo_id: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A record that can hold cards, and the empty bare repository to push its content into.

    ``importing`` says that it will be fetched from ``remote``, whose credentials are kept sealed;
    ``more`` are further columns, sealed for ``repo_id``.
    """
    require_name(name)
    require_branch(default_branch)
    repo_id = repo_id or ctx.new_id()
    login = remote.login if remote is not None else None
    values = {
        "id": repo_id,
        "name": name,
        "remote_url": remote.url if remote is not None else None,
        "remote_secret": seal(ctx.keys, repo_id, login) if login is not None else None,
        "import_state": ImportState.FETCHING.value if importing else None,
        "default_branch": default_branch,
        **(more or {}),
    }
    await ctx.git.create(repo_id, default_branch)
    try:
        return await ctx.db.write(_create, values, actor, ctx.clock.now())
    except BaseException:
        await ctx.git.delete(repo_id)
        raise


def _create(tx: Tx, values: dict[str, Any], actor: Actor, now: str) -> dict[str, Any]:
    require_free(tx, values["name"])
    times = {"created_at": now, "updated_at": now}
    insert_repo(tx, {**values, "settings": {}, "file_settings": {}, **times})
    repo = get_repo(tx, values["id"])
    repo_changed(tx, EventType.REPO_CREATED, repo, actor)
    return repo_view(tx, repo)


def require_free(tx: Tx, name: str) -> None:
    """Refuse a name that another repository has."""
    if find_repo_by_name(tx, name) is not None:
        raise name_taken(name)


def name_taken(name: str) -> NameTaken:
    """The error for a name that is in use."""
    return NameTaken(
        f"There is already a repository named “{name}”. Choose another name, or ingest into that "
        f"one with `lazyaf ingest PATH --name {name}`."
    )


def show_repo(tx: Tx, repo_id: str) -> dict[str, Any]:
    """One repository, by id or by name."""
    return repo_view(tx, find_repo(tx, repo_id))


def find_repo(tx: Tx, id_or_name: str) -> RepoRow:
    """A repository by id or by name, or `NotFound`."""
    if _UUID.match(id_or_name):
        return get_repo(tx, id_or_name)
    repo = find_repo_by_name(tx, id_or_name) if _NAME.match(id_or_name) else None
    if repo is None or repo.is_deleting:
        raise NotFound(f"There is no repository “{id_or_name}”.")
    return repo


def page_of_repos(tx: Tx, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """A page of repositories by name, and the name to go on from."""
    rows = list_repos(tx, after=after, limit=limit + 1)
    page = rows[:limit]
    return [repo_view(tx, row) for row in page], page[-1].name if len(rows) > limit else None


async def delete_repo(ctx: Context, repo_id: str, actor: Actor) -> None:
    """Delete a repository with its cards, jobs and storage; refused while a job is open, and while a
    backup is made."""
    with ctx.git.removing() as may_remove:
        if not may_remove:
            raise Conflict(
                "A backup is being made, and nothing is deleted meanwhile. Try again when it is done.",
                code="backup_running",
            )
        repo = await ctx.db.write(_mark_deleting, repo_id, ctx.clock.now())
        await _finish_deletion(ctx, repo, actor)


def _mark_deleting(tx: Tx, repo_id: str, now: str) -> RepoRow:
    repo = find_repo(tx, repo_id)
    if count_open(tx, repo.id):
        raise Conflict(
            f"Jobs of {repo.name} are queued or running. Cancel them first, then delete.",
            code="repo_busy",
        )
    return update_repo(tx, repo, {"is_deleting": True, "updated_at": now})


async def _finish_deletion(ctx: Context, repo: RepoRow, actor: Actor) -> None:
    if ctx.git.exists(repo.id):
        await ctx.git.delete(repo.id)
    await ctx.db.write(_remove, repo.id, repo.version, actor)


def _remove(tx: Tx, repo_id: str, version: int, actor: Actor) -> None:
    data = {"id": repo_id, "files": hashes_of(tx, repo_id=repo_id)}
    remove_repo(tx, repo_id)
    tx.emit(NewEvent(EventType.REPO_DELETED, repo_id, actor, version + 1, data))


async def resume_deletions(ctx: Context, actor: Actor) -> None:
    """Finish what a crash interrupted; at start."""
    for repo_id in await ctx.db.read(list_deleting):
        if ctx.git.exists(repo_id):
            await ctx.git.delete(repo_id)
        await ctx.db.write(_remove, repo_id, 1 << 30, actor)


def mark_ingested(tx: Tx, repo_id: str, actor: Actor, now: str) -> None:
    """The repository has content now."""
    repo = get_repo(tx, repo_id)
    if not repo.is_ingested:
        changed = update_repo(tx, repo, {"is_ingested": True, "updated_at": now})
        repo_changed(tx, EventType.REPO_INGESTED, changed, actor)


def set_file_settings(
    tx: Tx, repo_id: str, found: dict[str, Any], prompt: str | None, error: str | None, now: str
) -> None:
    """Remember what the default branch's tip says, when it is new."""
    repo = get_repo(tx, repo_id)
    seen = replace(repo, file_settings=found, prompt_template=prompt, config_error=error)
    if seen == repo:
        return
    changed = update_repo(
        tx,
        repo,
        {
            "file_settings": found,
            "prompt_template": prompt,
            "config_error": error,
            "updated_at": now,
        },
    )
    repo_changed(tx, EventType.REPO_UPDATED, changed, SERVER)
