"""Really merge the commit that was seen into a card's base branch (rules.md R8)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import BranchMoved, Conflict, NotFound, VersionConflict
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services.approval import Review, review_of
from lazyaf.services.card_branch import branch_ref, keep_tip
from lazyaf.services.cards import change_status
from lazyaf.services.context import Context
from lazyaf.services.merge_method import make_commit
from lazyaf.store.cards import get_card
from lazyaf.store.intents import IntentRow, insert_intent, list_intents, remove_intent
from lazyaf.store.tx import Tx

TRIES: Final = 20
"""Times that a base branch may move under a merge before giving up."""


async def merge_card(ctx: Context, review: Review, head_sha: str, actor: Actor) -> None:
    """Merge the card's branch, if it is still at ``head_sha``, and close the card. The caller holds the
    lock of the card.

    Tried until neither the base nor the card moves meanwhile. The server measures a card anew when its
    base moves, so a newer version of it is no reason to give up; another base is, or one that is not
    ``onto`` any more. Raises `MergeConflict` with the files, `BranchMoved`, `Conflict` for what cannot be
    rebased, or `IllegalTransition`; then the card stays in review.
    """
    base = review.base
    for _ in range(TRIES):
        # From the commit until a ref points at it, nothing may be pruned.
        async with ctx.git.shared(review.repo.id):
            merged = await _try_merge(ctx, review, head_sha, actor)
        if merged:
            return
        review = replace(
            await ctx.db.read(review_of, review.card.id, review.method), onto=review.onto
        )
        if review.base != base:
            raise Conflict(
                f"Card #{review.card.number} goes into another branch now. Look again.",
                code="base_changed",
            )
    raise Conflict(
        f"“{base}” keeps moving, so the merge could not be completed. Try again in a moment.",
        code="base_busy",
    )


async def _try_merge(ctx: Context, review: Review, head_sha: str, actor: Actor) -> bool:
    """One round of intent → effect → confirm; False when the base or the card moved meanwhile."""
    base_sha = await refs.resolve(ctx.git, review.repo.id, branch_ref(review.base))
    if base_sha is None:
        raise NotFound(f"There is no branch “{review.base}” in {review.repo.name} any more.")
    if review.onto not in (None, base_sha):
        raise BranchMoved(f"{review.base} moved on since the checks.", code="base_changed")
    await require_head(ctx, review, head_sha)
    new_sha = await make_commit(ctx.git, review, base_sha, head_sha)
    intent = await _intent(ctx, review, base_sha, head_sha, new_sha, actor)
    try:
        await ctx.db.write(_write_down, review, intent)
    except VersionConflict:
        return False
    try:
        await _effect(ctx, [intent])
    except BranchMoved:
        await ctx.db.write(remove_intent, intent.id)
        await require_head(ctx, review, head_sha)
        return False
    except Exception:
        # Whatever went wrong, git alone knows whether it is done.
        await resume_approval(ctx, intent)
        raise
    await ctx.db.write(_confirm, intent, actor, ctx.clock.now())
    return True


async def require_head(ctx: Context, review: Review, head_sha: str) -> None:
    """Raise `BranchMoved` unless the card's branch is where it was seen."""
    branch = review.card.branch_name or ""
    tip = await refs.resolve(ctx.git, review.repo.id, branch_ref(branch))
    if tip != head_sha:
        raise BranchMoved(
            f"{branch} is at {(tip or 'nothing')[:12]}, not at {head_sha[:12]}, which you saw. "
            "Look at the new commits, then approve.",
            extra={"head_sha": tip},
        )


async def _intent(
    ctx: Context, review: Review, base_sha: str, head_sha: str, new_sha: str, actor: Actor
) -> IntentRow:
    archived, kept = await keep_tip(ctx, review.card, head_sha)
    return IntentRow(
        id=ctx.new_id(),
        repo_id=review.repo.id,
        card_id=review.card.id,
        operation="approve",
        ref=branch_ref(review.base),
        old_sha=base_sha,
        new_sha=new_sha,
        head_sha=head_sha,
        body={
            "method": review.method.value,
            "branch": review.card.branch_name,
            "drops_branch": review.drops_branch,
            "kept": kept.ref,
            "archived": archived,
        },
        actor=str(actor),
        created_at=ctx.clock.now(),
    )


def _write_down(tx: Tx, seen: Review, intent: IntentRow) -> None:
    now = review_of(tx, seen.card.id, seen.method)
    if (now.card.version, now.drops_branch) != (seen.card.version, seen.drops_branch):
        raise VersionConflict(f"Card #{now.card.number} changed while you approved it. Look again.")
    insert_intent(tx, intent)


async def _effect(ctx: Context, intents: Sequence[IntentRow]) -> None:
    """Move the base branch, to what the last of these makes of it, while the branches of the cards stay where
    they were seen, or go: all or nothing. The last commit of each is kept under a ref of its own."""
    first, last = intents[0], intents[-1]
    step = RefUpdate(last.ref, last.new_sha, first.old_sha)
    own = [update for intent in intents for update in _of_branch(intent)]
    await refs.update(ctx.git, last.repo_id, [*own, step])


def _of_branch(intent: IntentRow) -> list[RefUpdate]:
    """What happens to the card's own branch with the merge."""
    head, branch = intent.head_sha, branch_ref(intent.body["branch"])
    goes = RefUpdate(branch, None if intent.body["drops_branch"] else head, head)
    return [goes, RefUpdate(intent.body["kept"], head, None)]


def _confirm(tx: Tx, intent: IntentRow, actor: Actor, now: str) -> None:
    card, body = get_card(tx, intent.card_id), intent.body
    remove_intent(tx, intent.id)
    dropped = bool(body.get("drops_branch"))
    change_status(
        tx,
        card,
        CardCommand.APPROVE,
        {
            "merged_sha": intent.new_sha,
            "mergeable": None,
            "conflicts": [],
            "conflicts_with": [],
            "branch_deleted": dropped,
            "rejections": max(card.rejections, body.get("archived", 0)),
        },
        actor,
        now,
    )
    data = {
        "branch": intent.ref.removeprefix(refs.HEADS),
        "sha": intent.new_sha,
        "card_id": card.id,
        "repo_id": intent.repo_id,
        "method": body["method"],
        "deleted_branch": card.branch_name if dropped else None,
    }
    tx.emit(NewEvent(EventType.BRANCH_MERGED, intent.repo_id, actor, 0, data))


async def resume_approval(ctx: Context, intent: IntentRow) -> None:
    """After a crash: done if the merge is on the base branch, otherwise as if never begun."""
    tip = await refs.resolve(ctx.git, intent.repo_id, intent.ref)
    merged = tip is not None and (
        tip == intent.new_sha
        or await refs.is_ancestor(ctx.git, intent.repo_id, intent.new_sha, tip)
    )
    if not merged:
        await ctx.db.write(remove_intent, intent.id)
        return
    if intent.body.get("drops_branch"):
        # git moves the refs of one transaction one after the other: a machine may have died in between.
        with suppress(BranchMoved):
            await refs.update(ctx.git, intent.repo_id, _of_branch(intent))
    await ctx.db.write(_confirm, intent, Actor("person"), ctx.clock.now())


async def open_intents(ctx: Context) -> list[IntentRow]:
    """What a crash may have interrupted."""
    return await ctx.db.read(list_intents)
