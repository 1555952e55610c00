"""Brings into a branch here what the real remote has of it: a remote that moved, before it is landed on.

By a fast-forward where that does it, else by a merge commit. For everyone else it is a push: cards on that
base, and a card in review on that branch, are looked at again by the radar.
"""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import BranchMoved, Conflict, MergeConflict
from lazyaf.domain.events import Actor
from lazyaf.domain.remotes import require_fetchable
from lazyaf.domain.repo_settings import is_protected
from lazyaf.git import merge, refs
from lazyaf.git.push import moved
from lazyaf.git.refs import RefUpdate
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.land_branch import Seen
from lazyaf.services.look_at_remote import Aim, Look, aim_at, look_at_remote
from lazyaf.services.preview_land import describe
from lazyaf.services.protect_branches import approve_only
from lazyaf.services.views import person_identity
from lazyaf.store.cards import cards_by_branch
from lazyaf.store.tx import Tx


async def merge_remote(
    ctx: Context, repo_id: str, branch: str, remote_url: str | None, seen: Seen, actor: Actor
) -> dict[str, Any]:
    """Merge the remote's branch into the one of its name here; returns the preview of landing it then.

    What was ``seen`` is what is merged, or nothing: `BranchMoved`, or `Conflict` ``remote_moved``. Raises
    `MergeConflict` with the files, `Conflict` ``branch_protected`` where only approving changes the branch,
    and ``branch_busy`` while an agent works on it.
    """
    aim = await aim_at(ctx, repo_id, branch, remote_url)
    require_fetchable(aim.remote.url, field="remote_url")
    await ctx.db.read(_require_free, aim)
    async with ctx.git.shared(aim.repo.id):
        look = await look_at_remote(ctx, aim)
        if seen.sha != aim.sha:
            raise BranchMoved(f"{branch} has moved here since you looked. Look again.")
        if seen.remote_sha != look.there or look.there is None:
            raise moved(branch, aim.remote)
        merged = await ctx.background.finish(_bring_in(ctx, look, look.there, actor))
        return await describe(ctx, merged)


async def _bring_in(ctx: Context, look: Look, there: str, actor: Actor) -> Look:
    aim = look.aim
    new = await _commit(ctx, aim, there)
    if new != aim.sha:
        ref = branch_ref(aim.branch)
        await refs.update(ctx.git, aim.repo.id, [RefUpdate(ref, new, aim.sha)])
        await branches_pushed(ctx, aim.repo.id, [(aim.sha, new, ref)], actor)
    return Look(Aim(aim.repo, aim.branch, new, aim.remote), look.listing, there, look.is_here)


async def _commit(ctx: Context, aim: Aim, there: str) -> str:
    """What the branch is to move to."""
    repo_id = aim.repo.id
    if await refs.is_ancestor(ctx.git, repo_id, there, aim.sha):
        return aim.sha
    if await refs.is_ancestor(ctx.git, repo_id, aim.sha, there):
        return there
    person = await ctx.db.read(person_identity)
    try:
        return await merge.merge_commit(
            ctx.git,
            repo_id,
            aim.sha,
            there,
            message=f"Merge branch '{aim.branch}' of {aim.remote.url}\n",
            author=person,
            committer=person,
        )
    except MergeConflict as conflict:
        raise MergeConflict(
            f"{aim.branch} here and at {aim.remote.url} conflict, and nothing was changed. Merge them in "
            "your own clone, push the result here, then land.",
            files=_files(conflict),
        ) from None


def _files(conflict: MergeConflict) -> list[str]:
    files = conflict.extra["files"]
    return [str(file) for file in files] if isinstance(files, list) else []


def _require_free(tx: Tx, aim: Aim) -> None:
    """No branch is moved that only approving may, nor one that an agent works on."""
    if is_protected(aim.branch, approve_only(tx, aim.repo.id)):
        raise Conflict(
            f"Only approving changes {aim.branch} in {aim.repo.name}. Let people push to it in the "
            "repository's settings while you bring it up to date, or stop here.",
            code="branch_protected",
        )
    card = cards_by_branch(tx, aim.repo.id).get(aim.branch)
    if card is not None and card.status == CardStatus.IN_PROGRESS.value:
        raise Conflict(
            f"An agent works on {aim.branch}, the branch of card #{card.number}. Wait until it is in "
            "review, or stop it.",
            code="branch_busy",
        )
