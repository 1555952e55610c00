"""Approve a card: the commit that was seen is merged, at once or, where the repository has checks, when its
turn in the merge queue has come and they have passed."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import Actor
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.services.after_push import branch_merged
from lazyaf.services.approval import Review, review_of
from lazyaf.services.cards import change_status
from lazyaf.services.context import Context
from lazyaf.services.merge_card import merge_card
from lazyaf.services.merge_queue import advance_merges
from lazyaf.services.queue_merge import queue_merge
from lazyaf.services.resolve_comment import require_all_resolved
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.tx import Tx


async def approve_card(
    ctx: Context,
    card_id: str,
    head_sha: str,
    actor: Actor,
    method: MergeMethod | None = None,
    *,
    require_resolved: bool = False,
) -> dict[str, Any]:
    """Merge the card's branch, if it is still at ``head_sha``; returns the card, done, or still in review
    with its ``merge_state`` when checks have to pass first.

    By ``method``, or else by the repository's. Raises `MergeConflict` with the files, `BranchMoved`,
    `Conflict` for what cannot be rebased, or `IllegalTransition`; then the card stays in review. So it
    does with ``require_resolved`` while it has comments that are not (`require_all_resolved`): for those
    who ask a person first.
    """
    return await ctx.background.finish(
        _approve(ctx, card_id, head_sha, actor, method, require_resolved=require_resolved)
    )


async def _approve(
    ctx: Context,
    card_id: str,
    head_sha: str,
    actor: Actor,
    method: MergeMethod | None,
    *,
    require_resolved: bool,
) -> dict[str, Any]:
    async with ctx.job_locks.hold(f"card:{card_id}"):
        review, has_checks = await ctx.db.read(
            _look, card_id, method, require_resolved=require_resolved
        )
        if review.card.no_changes and not review.card.files:
            await ctx.db.write(_close_unchanged, review.card, actor, ctx.clock.now())
            return await ctx.db.read(card_view, card_id)
        if has_checks:
            await queue_merge(ctx, review, head_sha, actor)
        else:
            await merge_card(ctx, review, head_sha, actor)
    if has_checks:
        await advance_merges(ctx, review.repo.id)
    else:
        ctx.background.run(branch_merged(ctx, review.repo.id, review.base))
    return await ctx.db.read(card_view, card_id)


def _look(
    tx: Tx, card_id: str, method: MergeMethod | None, *, require_resolved: bool
) -> tuple[Review, bool]:
    review = review_of(tx, card_id, method)
    if require_resolved:
        require_all_resolved(tx, card_id)
    return review, bool(review.settings.checks)


def _close_unchanged(tx: Tx, seen: CardRow, actor: Actor, now: str) -> None:
    card = get_card(tx, seen.id)
    if not card.no_changes or card.files:
        raise Conflict(f"Card #{card.number} changed while you approved it. Look again.")
    change_status(tx, card, CardCommand.APPROVE, {}, actor, now)
