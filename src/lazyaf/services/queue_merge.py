"""Put an approved card into the merge queue, or take it out again (`lazyaf.services.merge_queue`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import IntegrityError

from lazyaf.domain.errors import Conflict, MergeConflict
from lazyaf.domain.events import Actor
from lazyaf.git import merge
from lazyaf.services.approval import Review, review_of
from lazyaf.services.context import Context
from lazyaf.services.merge_card import require_head, tip_of_base
from lazyaf.services.merge_queue import advance_merges
from lazyaf.services.merge_state import merge_state, show_merge_state
from lazyaf.services.views import card_view
from lazyaf.store.cards import get_card
from lazyaf.store.queued_merges import QueuedMerge, insert_queued_merge, remove_queued_merge
from lazyaf.store.tx import Tx


async def queue_merge(ctx: Context, review: Review, head_sha: str, actor: Actor) -> None:
    """Put an approved card at the end of its repository's queue. Raises `BranchMoved` when its branch is
    not at ``head_sha``, and `MergeConflict` when it does not merge even now."""
    await require_head(ctx, review, head_sha)
    base_sha = await tip_of_base(ctx, review)
    merges = await merge.mergeability(ctx.git, review.repo.id, base_sha, head_sha)
    if not merges.clean:
        raise MergeConflict(merge.complaint(merges.files), files=merges.files)
    queued = QueuedMerge(
        id=ctx.new_id(),
        card_id=review.card.id,
        repo_id=review.repo.id,
        head_sha=head_sha,
        method=review.method.value,
        actor=str(actor),
        created_at=ctx.clock.now(),
    )
    await ctx.db.write(_insert, queued, actor)


def _insert(tx: Tx, queued: QueuedMerge, actor: Actor) -> None:
    review_of(tx, queued.card_id, None)
    try:
        insert_queued_merge(tx, queued)
    except IntegrityError:
        raise Conflict("This card waits to be merged already.", code="queued") from None
    show_merge_state(
        tx, queued.card_id, merge_state("queued", queued.head_sha), actor, queued.created_at
    )


async def withdraw_merge(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Take an approved card out of the queue; it stays in review. Returns the card. One that is just being
    merged is merged."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        repo_id = await ctx.db.write(_withdraw, card_id, actor, ctx.clock.now())
    await advance_merges(ctx, repo_id)
    return await ctx.db.read(card_view, card_id)


def _withdraw(tx: Tx, card_id: str, actor: Actor, now: str) -> str:
    card = get_card(tx, card_id)
    if not remove_queued_merge(tx, card_id):
        raise Conflict(f"Card #{card.number} does not wait to be merged.", code="not_queued")
    show_merge_state(tx, card_id, None, actor, now)
    return card.repo_id
