"""Land a branch: push it from the internal repository to the real remote, never forcing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.errors import BranchMoved, Invalid
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.remotes import ImportState, parse_remote
from lazyaf.git import refs
from lazyaf.git.push import moved, push
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.look_at_remote import Aim, aim_at
from lazyaf.services.repositories import find_repo, require_branch
from lazyaf.services.track_remote import remember
from lazyaf.store.repos import update_repo
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Seen:
    """What a preview showed: the commit of the branch, and where the remote's was, if it was there."""

    sha: str
    remote_sha: str | None


async def land_branch(
    ctx: Context,
    repo_id: str,
    branch: str,
    remote_url: str | None,
    actor: Actor,
    *,
    seen: Seen | None = None,
) -> dict[str, Any]:
    """Push a branch to the remote under its own name; ``{branch, sha, remote_url, pushed}``.

    Uses the credentials that are kept for the remote, or those in ``remote_url``, which are not
    kept; a remote that wants others is landed on with `lazyaf land`, which has the user's. What was
    ``seen`` is what is pushed, or nothing: `BranchMoved` when the branch is elsewhere by now, 409
    ``remote_moved`` when the remote is, or is ahead; ``remote_refused`` otherwise.
    """
    aim = await aim_at(ctx, repo_id, branch, remote_url)
    async with ctx.git.shared(aim.repo.id):
        lease = None if seen is None else await _lease(ctx, aim, seen)
        pushed = await push(ctx.git, aim.repo.id, aim.remote, branch, aim.sha, lease=lease)
        if aim.is_own:
            await remember(ctx, aim.repo.id, {branch: aim.sha})
    await ctx.db.write(note_landed, aim.repo.id, branch, aim.sha, aim.remote.url, actor)
    return {"branch": branch, "sha": aim.sha, "remote_url": aim.remote.url, "pushed": pushed}


async def _lease(ctx: Context, aim: Aim, seen: Seen) -> str:
    """Where the remote's branch must be for the push; only a fast-forward has one."""
    if seen.sha != aim.sha:
        raise BranchMoved(f"{aim.branch} has moved here since you looked. Look again, then land.")
    there = seen.remote_sha
    if there is None:
        return ""
    is_here = await refs.resolve(ctx.git, aim.repo.id, there) is not None
    if not is_here or not await refs.is_ancestor(ctx.git, aim.repo.id, there, aim.sha):
        raise moved(aim.branch, aim.remote)
    return there


async def landed_elsewhere(
    ctx: Context, repo_id: str, branch: str, sha: str, remote_url: str, actor: Actor
) -> dict[str, Any]:
    """Note that a person's own git pushed a commit of this repository to a remote, as `lazyaf land`
    says once it has; the same answer as `land_branch`."""
    require_branch(branch, field="branch")
    repo = await ctx.db.read(find_repo, repo_id)
    if await refs.resolve(ctx.git, repo.id, sha) is None:
        raise Invalid.field("sha", f"There is no commit {sha[:12]} in {repo.name}.")
    url = parse_remote(remote_url).url
    if url == repo.remote_url:
        await remember(ctx, repo.id, {branch: sha})
    await ctx.db.write(note_landed, repo.id, branch, sha, url, actor)
    return {"branch": branch, "sha": sha, "remote_url": url, "pushed": True}


def note_landed(tx: Tx, repo_id: str, branch: str, sha: str, remote: str, actor: Actor) -> None:
    """Announce that a branch is on the real remote now. A default branch that went its own way does so no
    longer."""
    repo = find_repo(tx, repo_id)
    is_settled = (remote, branch) == (repo.remote_url, repo.default_branch)
    if is_settled and repo.import_state == ImportState.READY and repo.import_detail is not None:
        repo_changed(
            tx, EventType.REPO_UPDATED, update_repo(tx, repo, {"import_detail": None}), actor
        )
    data = {"branch": branch, "sha": sha, "remote_url": remote, "repo_id": repo_id}
    tx.emit(NewEvent(EventType.BRANCH_LANDED, repo_id, actor, 0, data))
