"""Puts what approvals have made on their base branch: intent, effect, confirmation (rules.md R8).

For one card, or for several whose commits stand one on another: then all of them are merged or none.
`lazyaf.services.recover` calls what goes on after a crash; nothing here makes a commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import BranchMoved, VersionConflict
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services.approval import Review, review_of
from lazyaf.services.card_branch import branch_ref, keep_tip
from lazyaf.services.cards import change_status
from lazyaf.services.context import Context
from lazyaf.store.cards import get_card
from lazyaf.store.intents import IntentRow, insert_intent, list_intents, remove_intent
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Step:
    """One card's part: its branch is at ``head_sha``, and merging it has made ``new_sha``."""

    review: Review
    head_sha: str
    new_sha: str
    actor: Actor


async def carry_out(ctx: Context, base_sha: str, steps: Sequence[Step]) -> bool:
    """Move the base branch from ``base_sha`` to the last step's commit, and close the cards; False, with
    nothing done, when the base or one of the cards moved meanwhile.

    Each step's commit stands on the one before it, and the first on ``base_sha``. The caller holds the lock
    of each card, and `Storage.shared` since the first commit was made.
    """
    intents, old_sha = list[IntentRow](), base_sha
    for step in steps:
        intents.append(await _intent(ctx, step, old_sha))
        old_sha = step.new_sha
    try:
        await ctx.db.write(_write_down, steps, intents)
    except VersionConflict:
        return False
    try:
        await _effect(ctx, intents)
    except BranchMoved:
        await ctx.db.write(_undo, intents)
        return False
    except Exception:
        # Whatever went wrong, git alone knows whether it is done.
        for intent in intents:
            await resume_approval(ctx, intent)
        raise
    await ctx.db.write(_confirm, intents, ctx.clock.now())
    return True


async def _intent(ctx: Context, step: Step, old_sha: str) -> IntentRow:
    review = step.review
    archived, kept = await keep_tip(ctx, review.card, step.head_sha)
    return IntentRow(
        id=ctx.new_id(),
        repo_id=review.repo.id,
        card_id=review.card.id,
        operation="approve",
        ref=branch_ref(review.base),
        old_sha=old_sha,
        new_sha=step.new_sha,
        head_sha=step.head_sha,
        body={
            "method": review.method.value,
            "branch": review.card.branch_name,
            "drops_branch": review.drops_branch,
            "kept": kept.ref,
            "archived": archived,
        },
        actor=str(step.actor),
        created_at=ctx.clock.now(),
    )


def _write_down(tx: Tx, steps: Sequence[Step], intents: Sequence[IntentRow]) -> None:
    for step, intent in zip(steps, intents, strict=True):
        seen = step.review
        now = review_of(tx, seen.card.id, seen.method)
        if (now.card.version, now.drops_branch) != (seen.card.version, seen.drops_branch):
            raise VersionConflict(
                f"Card #{now.card.number} changed while you approved it. Look again."
            )
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


def _undo(tx: Tx, intents: Sequence[IntentRow]) -> None:
    for intent in intents:
        remove_intent(tx, intent.id)


def _confirm(tx: Tx, intents: Sequence[IntentRow], now: str) -> None:
    for intent in intents:
        _confirm_one(tx, intent, Actor.parse(intent.actor), now)


def _confirm_one(tx: Tx, intent: IntentRow, actor: Actor, now: str) -> None:
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
    await ctx.db.write(_confirm, [intent], ctx.clock.now())


async def open_intents(ctx: Context) -> list[IntentRow]:
    """What a crash may have interrupted."""
    return await ctx.db.read(list_intents)
