"""Change a repository: its name, remote, default branch and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import Invalid, VersionConflict
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.remotes import ImportState, origin_of, parse_remote, ssh_host
from lazyaf.domain.repo_settings import NAMES, check
from lazyaf.git import refs
from lazyaf.services import deploy_key
from lazyaf.services.after_push import refresh_config
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.forge_place import api_origin
from lazyaf.services.protect_branches import require_unprotected
from lazyaf.services.remote_login import seal
from lazyaf.services.repositories import (
    find_repo,
    name_taken,
    require_branch,
    require_name,
)
from lazyaf.services.track_remote import forget_remote
from lazyaf.services.views import repo_view
from lazyaf.store.cards import cards_by_branch
from lazyaf.store.repos import RepoRow, update_repo
from lazyaf.store.tx import Tx


async def edit_repo(
    ctx: Context, repo_id: str, changes: dict[str, Any], *, if_match: int | None, actor: Actor
) -> dict[str, Any]:
    """Change name, remote, default branch or settings. A new default branch moves HEAD."""
    branch = changes.get("default_branch")
    if "name" in changes:
        require_name(changes["name"])
    if branch is not None:
        require_branch(branch)
    repo = await ctx.db.read(find_repo, repo_id)
    _require_version(repo, if_match)
    if changes.get("remote_url"):
        changes |= _remote(ctx, repo, changes["remote_url"])
    if branch is None or branch == repo.default_branch or not ctx.git.exists(repo.id):
        view = await ctx.db.write(_edit, repo_id, changes, if_match, actor, ctx.clock.now())
        return await _with_new_remote(ctx, repo, view)
    await _require_existing(ctx, repo, branch)
    await ctx.git.set_head(repo.id, branch)
    try:
        view = await ctx.db.write(_edit, repo_id, changes, if_match, actor, ctx.clock.now())
    except BaseException:
        await ctx.git.set_head(repo.id, repo.default_branch)
        raise
    ctx.background.run(refresh_config(ctx, repo.id))
    return await _with_new_remote(ctx, repo, view)


async def _with_new_remote(ctx: Context, repo: RepoRow, view: dict[str, Any]) -> dict[str, Any]:
    """What was seen of another remote is forgotten."""
    if view["remote_url"] != repo.remote_url and ctx.git.exists(repo.id):
        await forget_remote(ctx, repo.id)
    return view


def _remote(ctx: Context, repo: RepoRow, url: str) -> dict[str, Any]:
    """The remote without the credentials in its URL, which are kept sealed. Those that are kept stay
    as long as the origin does."""
    remote = parse_remote(url)
    secret: bytes | None
    if remote.login is not None:
        secret = seal(ctx.keys, repo.id, remote.login)
    else:
        same = origin_of(remote.url) == origin_of(repo.remote_url or "")
        secret = repo.remote_secret if same else None
    changes: dict[str, Any] = {"remote_url": remote.url, "remote_secret": secret}
    if ssh_host(remote.url) != ssh_host(repo.remote_url or ""):
        changes |= dict.fromkeys(deploy_key.COLUMNS)
    return changes


def _require_version(repo: RepoRow, if_match: int | None) -> None:
    if if_match is not None and if_match != repo.version:
        raise VersionConflict("The repository changed meanwhile. Load it again and retry.")


async def _require_existing(ctx: Context, repo: RepoRow, branch: str) -> None:
    if repo.is_ingested and await refs.resolve(ctx.git, repo.id, f"refs/heads/{branch}") is None:
        raise Invalid.field(
            "default_branch", f"There is no branch “{branch}” in {repo.name}. Push it first."
        )


def _require_no_job_there(tx: Tx, wanted: RepoRow) -> None:
    """No branch becomes protected while a job works on it: it could not keep its work there."""
    for card in cards_by_branch(tx, wanted.id).values():
        if card.status == CardStatus.IN_PROGRESS.value and card.branch_name is not None:
            require_unprotected(wanted, card, card.branch_name)


def _forgotten(repo: RepoRow) -> dict[str, Any]:
    """What fetching has told of the remote before, which is of no other one."""
    told = ("import_detail",) if repo.import_state == ImportState.READY else ()
    return dict.fromkeys(("fetched_at", "fetch_result", *told))


def _edit(
    tx: Tx, repo_id: str, changes: dict[str, Any], if_match: int | None, actor: Actor, now: str
) -> dict[str, Any]:
    repo = find_repo(tx, repo_id)
    _require_version(repo, if_match)
    fields = ("name", "remote_url", "remote_secret", "default_branch", *deploy_key.COLUMNS)
    values: dict[str, Any] = {k: changes[k] for k in fields if k in changes}
    settings = dict(repo.settings)
    for name, value in (changes.get("settings") or {}).items():
        settings[name] = None if value is None else check(name, value, where=name)
    values["settings"] = {k: v for k, v in settings.items() if k in NAMES and v is not None}
    wanted = replace(repo, **values)
    _require_no_job_there(tx, wanted)
    if api_origin(wanted) != api_origin(repo):
        values["forge_secret"] = None  # a token is for one place
    if wanted.remote_url != repo.remote_url:
        values |= _forgotten(repo)
    try:
        changed = update_repo(tx, repo, {**values, "updated_at": now})
    except IntegrityError:
        raise name_taken(values["name"]) from None
    repo_changed(tx, EventType.REPO_UPDATED, changed, actor)
    return repo_view(tx, changed)
