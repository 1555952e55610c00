"""Add a repository by its URL, and bring it up to date from there: fetched by the server.

The remote is asked first, so that a wrong URL or a missing credential is told at once and leaves
nothing. Then it is fetched in the background; the repository says how far that is, also after a
restart, which begins a broken fetch again. Branches are only ever forwarded: what people pushed or
approved here stays, and so do the branches of cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog

from lazyaf.domain.errors import (
    Conflict,
    Invalid,
    LazyafError,
    NotFound,
    Unavailable,
)
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.domain.remotes import (
    ImportState,
    Remote,
    is_fetchable,
    name_of,
    parse_remote,
    require_fetchable,
    ssh_host,
)
from lazyaf.git import fetch, remotes
from lazyaf.services import deploy_key
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.deploy_key import fresh_key, with_access
from lazyaf.services.remote_login import seal, unseal
from lazyaf.services.repositories import create_repo, find_repo, require_free, require_name
from lazyaf.services.take_branches import take_branches
from lazyaf.services.track_remote import remember_all
from lazyaf.services.views import repo_view
from lazyaf.store.repos import get_repo, list_importing, note_fetched, update_repo
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

FORGOTTEN: Final = dict.fromkeys(("remote_secret", *deploy_key.COLUMNS))
"""What is kept for a remote, once nothing is."""
_WAITING: Final = (ImportState.FETCHING, ImportState.KEY_WANTED)


async def import_repo(
    ctx: Context,
    *,
    url: str,
    name: str | None,
    username: str | None,
    password: str | None,
    actor: Actor,
) -> dict[str, Any]:
    """Make a repository of what is at a URL; returns it while it is being fetched, or, over ssh, with the
    key that its remote must be given first.

    Credentials, also those in the URL, are kept sealed. Raises `Invalid`, `NameTaken`, or `Conflict`
    as `lazyaf.git.remotes.ask_head` does; then there is no repository.
    """
    remote = parse_remote(url, username, password, field="url")
    require_fetchable(remote.url)
    chosen = name or name_of(remote.url)
    if not chosen:
        raise Invalid.field("name", "The URL says no name for the repository. Give it one.")
    require_name(chosen)
    await ctx.db.read(require_free, chosen)
    if ssh_host(remote.url) is not None:
        return await _with_key(ctx, chosen, remote, actor)
    head = await remotes.ask_head(ctx.git, remote)
    made = await create_repo(
        ctx,
        name=chosen,
        remote=remote,
        default_branch=head or "main",
        actor=actor,
        importing=True,
    )
    ctx.background.run(_run(ctx, made["id"], actor))
    return made


async def _with_key(ctx: Context, name: str, remote: Remote, actor: Actor) -> dict[str, Any]:
    """A repository whose remote must be given its key before anything can be fetched."""
    repo_id = ctx.new_id()
    values = await fresh_key(ctx, repo_id, name, remote.url)
    state = {"import_state": ImportState.KEY_WANTED.value}
    return await create_repo(
        ctx,
        name=name,
        remote=remote,
        default_branch="main",
        actor=actor,
        repo_id=repo_id,
        more={**values, **state},
    )


async def fetch_again(
    ctx: Context, repo_id: str, *, username: str | None, password: str | None, actor: Actor
) -> dict[str, Any]:
    """Bring a repository up to date from its remote; returns it while it is being fetched.

    New credentials replace the kept ones. Raises as `import_repo`, and `Conflict`
    ``import_running``.
    """
    repo = await ctx.db.read(find_repo, repo_id)
    if not repo.remote_url:
        raise Invalid.field(
            "remote_url", f"{repo.name} has no remote. Set one in its settings, then fetch."
        )
    require_fetchable(repo.remote_url, field="remote_url")
    given = parse_remote(repo.remote_url, username, password)
    await remotes.ask_head(ctx.git, with_access(ctx.keys, repo, given))
    login = given.login or unseal(ctx.keys, repo.id, repo.remote_secret, given.url)
    secret = seal(ctx.keys, repo.id, login) if login is not None else None
    view = await ctx.db.write(_begin, repo.id, secret, actor, ctx.clock.now())
    ctx.background.run(_run(ctx, repo.id, actor))
    return view


async def sync_repo(ctx: Context, repo_id: str) -> bool:
    """`fetch_again` by the server's own accord, in the foreground; whether it was fetched.

    Unlike that it announces itself only where something is otherwise than after the last time. While the
    repository is being fetched already there is nothing to do.
    """
    repo = await ctx.db.read(get_repo, repo_id)
    if repo.import_state in _WAITING or not is_fetchable(repo.remote_url or ""):
        return True
    outcome = await _outcome(ctx, repo_id, SERVER)
    if outcome is not None:
        await ctx.db.write(_end_quietly, repo_id, outcome, ctx.clock.now())
    return outcome is not None and outcome.state is ImportState.READY


async def forget_login(ctx: Context, repo_id: str, actor: Actor) -> None:
    """Delete the kept credentials, or the key, of a repository's remote; none is fine."""
    await ctx.db.write(_forget, repo_id, actor, ctx.clock.now())


async def resume_imports(ctx: Context) -> None:
    """Begin again what a restart broke off; at start."""
    for repo_id in await ctx.db.read(list_importing):
        ctx.background.run(_run(ctx, repo_id, SERVER))


def _begin(tx: Tx, repo_id: str, secret: bytes | None, actor: Actor, now: str) -> dict[str, Any]:
    repo = get_repo(tx, repo_id)
    if repo.import_state == ImportState.FETCHING:
        raise Conflict(f"{repo.name} is being fetched already.", code="import_running")
    state: dict[str, Any] = {"import_state": ImportState.FETCHING.value, "import_detail": None}
    changed = update_repo(tx, repo, {**state, "remote_secret": secret, "updated_at": now})
    repo_changed(tx, EventType.REPO_UPDATED, changed, actor)
    return repo_view(tx, changed)


def _forget(tx: Tx, repo_id: str, actor: Actor, now: str) -> None:
    repo = find_repo(tx, repo_id)
    if (repo.remote_secret, repo.deploy_key) != (None, None):
        changed = update_repo(tx, repo, {**FORGOTTEN, "updated_at": now})
        repo_changed(tx, EventType.REPO_UPDATED, changed, actor)


async def _run(ctx: Context, repo_id: str, actor: Actor) -> None:
    """Fetch, and write down how it ended; unless it was ended with the server or the repository."""
    try:
        outcome = await _outcome(ctx, repo_id, actor)
        if outcome is not None:
            await ctx.db.write(_end, repo_id, outcome, actor, ctx.clock.now())
    except NotFound:
        log.info("import_dropped", repo=repo_id)  # the repository was deleted meanwhile
    except LazyafError as error:
        log.warning("import_not_noted", repo=repo_id, detail=error.detail)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a fetch ended: ``detail`` says why it failed, or what was left as it is; ``news`` what it brought."""

    state: ImportState
    detail: str | None
    news: str | None = None

    def values(self, now: str) -> dict[str, Any]:
        """What of it is kept with every fetch."""
        return {} if self.news is None else {"fetched_at": now, "fetch_result": self.news}


async def _outcome(ctx: Context, repo_id: str, actor: Actor) -> _Outcome | None:
    """Fetch; None when it was broken off and is begun again by the next server."""
    async with ctx.job_locks.hold(f"remote:{repo_id}"):
        return await _fetch(ctx, repo_id, actor)


async def _fetch(ctx: Context, repo_id: str, actor: Actor) -> _Outcome | None:
    repo = await ctx.db.read(get_repo, repo_id)
    try:
        remote = with_access(ctx.keys, repo, parse_remote(repo.remote_url or ""))
        async with ctx.git.shared(repo_id):
            fetched = await fetch.fetch(ctx.git, repo_id, remote)
            await remember_all(ctx, repo_id, fetched.branches)
            taken = await take_branches(ctx, repo, fetched, actor)
    except NotFound:
        raise
    except Unavailable:  # the server stops
        return None
    except LazyafError as error:
        return _Outcome(ImportState.FAILED, error.detail)
    except Exception:
        log.exception("import_failed", repo=repo_id)
        return _Outcome(
            ImportState.FAILED, "The server met an error that it did not expect. See its log."
        )
    return _Outcome(ImportState.READY, taken.left, taken.news)


def _end(tx: Tx, repo_id: str, outcome: _Outcome, actor: Actor, now: str) -> None:
    repo = get_repo(tx, repo_id)
    state = {"import_state": outcome.state.value, "import_detail": outcome.detail}
    values = {**state, **outcome.values(now), "updated_at": now}
    repo_changed(tx, EventType.REPO_UPDATED, update_repo(tx, repo, values), actor)


def _end_quietly(tx: Tx, repo_id: str, outcome: _Outcome, now: str) -> None:
    repo = get_repo(tx, repo_id)
    if repo.import_state == ImportState.FETCHING:
        return  # a person began it meanwhile; that one says how it ends
    if (repo.import_state, repo.import_detail) != (outcome.state.value, outcome.detail):
        _end(tx, repo_id, outcome, SERVER, now)
    else:
        note_fetched(tx, repo_id, outcome.values(now))
