"""The merge queue: where a repository has checks, approved cards are merged in turn, when they have passed.

What is checked is what the default branch would be: the card's commits on its tip as it is now. When the
checks pass, the branch advances to that, if both are still where they were; otherwise the card is tried on
the new tip. A card that cannot be merged is bounced: it stays in review and says why. Cards that have nothing
to do with each other are tried together (`lazyaf.services.merge_batch`); what fails then is tried in smaller
batches, and in the end alone. The queue is in the database; whatever ends in between, `advance_merges` goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from lazyaf.domain import checks
from lazyaf.domain.batches import BATCH_MAX
from lazyaf.domain.checks import Check, CheckOutcome, ChecksState, Stacked
from lazyaf.domain.errors import (
    BranchMoved,
    GitFailed,
    IllegalTransition,
    LazyafError,
    MergeConflict,
    NotFound,
    Unavailable,
)
from lazyaf.domain.events import SERVER, Actor
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge
from lazyaf.services.after_push import branch_merged
from lazyaf.services.approval import Review, review_of
from lazyaf.services.context import Context
from lazyaf.services.merge_batch import Approved, Batch, begin_batch, find_batch, merge_batch
from lazyaf.services.merge_card import merge_card, require_head, tip_of_base
from lazyaf.services.merge_method import make_commit
from lazyaf.services.merge_state import merge_state, show_merge_state, show_tried
from lazyaf.services.run_checks import Candidate, Due, begin_checks
from lazyaf.store.check_runs import CheckRunRow, find_run, open_check_job, run_for
from lazyaf.store.queued_merges import QueuedMerge, queued_merges_of, remove_queued_merge
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)


async def advance_merges(ctx: Context, repo_id: str) -> None:
    """Merge or bounce from the head of the queue on, until one has to wait for its checks."""
    async with ctx.job_locks.hold(f"merges:{repo_id}"):
        while waiting := await ctx.db.read(queued_merges_of, repo_id, BATCH_MAX):
            try:
                if not await _step(ctx, waiting):
                    return
            except Unavailable:
                raise  # nothing can be decided now
            except LazyafError as error:
                await _bounce(ctx, waiting[0], error.code, error.detail)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The card whose turn it is, its repository's checks, and the run of it alone that is open, if one is."""

    review: Review
    checks: tuple[Check, ...]
    running: CheckRunRow | None


def _turn(tx: Tx, queued: QueuedMerge) -> _Turn | None:
    """None when it is the turn of another: this approval was withdrawn meanwhile."""
    if not _is_first(tx, queued):
        return None
    review = review_of(tx, queued.card_id, MergeMethod(queued.method))
    job = open_check_job(tx, queued.card_id)
    run = None if job is None else find_run(tx, job.id)
    return _Turn(review, review.settings.checks, None if run is None or run.stack else run)


def _is_first(tx: Tx, queued: QueuedMerge) -> bool:
    return queued in queued_merges_of(tx, queued.repo_id, 1)


@asynccontextmanager
async def _held(ctx: Context, waiting: Sequence[QueuedMerge]) -> AsyncIterator[frozenset[str]]:
    """The locks of the cards that could be merged in this step, taken in one order; their ids."""
    card_ids = sorted(queued.card_id for queued in waiting)
    async with AsyncExitStack() as locks:
        for card_id in card_ids:
            await locks.enter_async_context(ctx.job_locks.hold(f"card:{card_id}"))
        yield frozenset(card_ids)


async def _step(ctx: Context, waiting: Sequence[QueuedMerge]) -> bool:
    """Take the first of the queue as far as it goes now, with those that it can be tried with. False when
    it waits for its checks; otherwise whatever is first then is to be looked at."""
    queued = waiting[0]
    async with _held(ctx, waiting) as held:
        try:
            turn = await ctx.db.read(_turn, queued)
        except (IllegalTransition, NotFound):
            await ctx.db.write(remove_queued_merge, queued.card_id)
            return True
        if turn is None:
            return True
        review = turn.review
        await require_head(ctx, review, queued.head_sha)
        if not turn.checks:  # the repository has none any more
            await merge_card(ctx, review, queued.head_sha, Actor.parse(queued.actor))
            ctx.background.run(branch_merged(ctx, review.repo.id, review.base))
            return True
        if await _is_under_way(ctx, queued, turn):
            return False
        batch = await _find_batch(ctx, Approved(queued, review), held)
        if batch is not None and batch.run is not None and batch.run.state in checks.OPEN:
            await _tell(ctx, queued.repo_id, batch.run.stack or [], batch.run.job_id)
            return False
        if batch is not None and batch.run is not None and batch.run.state == ChecksState.PASSED:
            if await _merge_together(ctx, batch, batch.run):
                return True
            batch = None
        return await _alone_or_begin(ctx, queued, turn, batch)


async def _alone_or_begin(
    ctx: Context, queued: QueuedMerge, turn: _Turn, batch: Batch | None
) -> bool:
    """Judge the first by a run of its own, if there is one on these commits; otherwise begin one, on all of
    the batch."""
    review = turn.review
    async with ctx.git.shared(review.repo.id):
        try:
            candidate = await _candidate(ctx, review, queued.head_sha)
        except MergeConflict as conflict:
            files = conflict.extra["files"]
            await _bounce(ctx, queued, conflict.code, conflict.detail, files=files)
            return True
        run = await ctx.db.read(
            run_for,
            queued.card_id,
            (candidate.base_sha, candidate.head_sha),
            candidate.tree_sha,
            turn.checks,
        )
        if run is None or (run.job_id < queued.id and run.state in checks.WORTHLESS):
            if batch is None or not await _check_together(ctx, batch, Actor.parse(queued.actor)):
                await _check(ctx, queued, turn, candidate)
            return False
    return await _judge(ctx, queued, turn, run)


async def _is_under_way(ctx: Context, queued: QueuedMerge, turn: _Turn) -> bool:
    """Whether these checks run on this pair already. Asked before a commit is made of it: each look would
    leave one behind."""
    run, base_sha = turn.running, await tip_of_base(ctx, turn.review)
    asked = (base_sha, queued.head_sha, list(turn.checks))
    if run is None or (run.base_sha, run.head_sha, run.checks) != asked:
        return False
    await _tell(ctx, queued.repo_id, [_alone(queued, turn)], run.job_id)
    return True


async def _find_batch(ctx: Context, first: Approved, held: frozenset[str]) -> Batch | None:
    """The batch that it is in. What git cannot do with one of the others does not keep the first."""
    base_sha = await tip_of_base(ctx, first.review)
    try:
        return await find_batch(ctx, first, base_sha, held)
    except GitFailed as error:
        log.warning("merge.no_batch", card=first.queued.card_id, detail=error.detail)
        return None


async def _merge_together(ctx: Context, batch: Batch, run: CheckRunRow) -> bool:
    """Merge what this run has passed, if nothing moved meanwhile. False when it cannot be: that may be any
    card's fault, and the first is tried by itself."""
    try:
        merged = await merge_batch(ctx, batch, run)
    except Unavailable:
        raise
    except LazyafError as error:
        log.warning("merge.not_together", job=run.job_id, detail=error.detail)
        return False
    if merged:
        ctx.background.run(branch_merged(ctx, batch.repo_id, batch.members[0].review.base))
    return True


async def _check_together(ctx: Context, batch: Batch, actor: Actor) -> bool:
    """Begin a run on the next of the batch; False when it is one card only, or cannot be."""
    if batch.size < 2:
        return False
    try:
        job_id, stack = await begin_batch(ctx, batch, actor)
    except Unavailable:
        raise
    except LazyafError as error:
        log.warning("merge.not_together", card=batch.members[0].queued.card_id, detail=error.detail)
        return False
    if stack:
        await _tell(ctx, batch.repo_id, stack, job_id)
    return bool(stack)


async def _candidate(ctx: Context, review: Review, head_sha: str) -> Candidate:
    """What the base branch would become. Made again when it is merged: the same tree, by the same method."""
    base_sha, repo_id = await tip_of_base(ctx, review), review.repo.id
    merged = await make_commit(ctx.git, review, base_sha, head_sha)
    return Candidate(base_sha, head_sha, merged, await merge.tree_of(ctx.git, repo_id, merged))


async def _check(ctx: Context, queued: QueuedMerge, turn: _Turn, candidate: Candidate) -> None:
    due = Due(turn.review.card, turn.review.repo, turn.checks)
    job_id = await begin_checks(ctx, due, candidate, Actor.parse(queued.actor))
    await _tell(ctx, queued.repo_id, [_alone(queued, turn)], job_id)


async def _judge(ctx: Context, queued: QueuedMerge, turn: _Turn, run: CheckRunRow) -> bool:
    """Merge what has passed, bounce what has not, wait for what runs."""
    if ChecksState(run.state) in checks.OPEN:
        await _tell(ctx, queued.repo_id, [_alone(queued, turn)], run.job_id)
        return False
    if run.state != ChecksState.PASSED.value:
        await _bounce(ctx, queued, "checks_failed", _why(run), job_id=run.job_id)
        return True
    try:
        review = replace(turn.review, onto=run.base_sha)
        await merge_card(ctx, review, run.head_sha, Actor.parse(queued.actor))
    except BranchMoved as moved:
        if moved.code != "base_changed":
            raise
        return True  # it is tried on the new tip
    ctx.background.run(branch_merged(ctx, review.repo.id, review.base))
    return True


def _why(run: CheckRunRow) -> str:
    if run.state == ChecksState.FAILED.value:
        failed = ", ".join(r["name"] for r in run.results if r["outcome"] != CheckOutcome.PASSED)
        return f"It did not pass: {failed}. Look at the log of the checks, then ask for changes."
    return "The checks were not run to their end. Look at their log, then approve again."


async def _bounce(
    ctx: Context, queued: QueuedMerge, reason: str, detail: str, **further: object
) -> None:
    """Take it out of the queue, and say why on the card."""
    log.info("merge.bounced", card=queued.card_id, reason=reason)
    state = merge_state("bounced", queued.head_sha, reason=reason, detail=detail, **further)
    await ctx.db.write(_note_bounce, queued, state, ctx.clock.now())


def _note_bounce(tx: Tx, queued: QueuedMerge, state: dict[str, Any], now: str) -> None:
    if _is_first(tx, queued):
        remove_queued_merge(tx, queued.card_id)
        show_merge_state(tx, queued.card_id, state, SERVER, now)


def _alone(queued: QueuedMerge, turn: _Turn) -> Stacked:
    card = turn.review.card
    return Stacked(
        approval=queued.id, card_id=card.id, number=card.number, head_sha=queued.head_sha
    )


async def _tell(ctx: Context, repo_id: str, tried: Sequence[Stacked], job_id: str | None) -> None:
    """Let the cards of the queue say who is tried."""
    numbers = {one["approval"]: one["number"] for one in tried}
    await ctx.db.write(show_tried, repo_id, numbers, job_id, ctx.clock.now())
