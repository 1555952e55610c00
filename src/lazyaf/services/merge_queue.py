"""The merge queue: where a repository has checks, approved cards are merged one at a time.

What is checked is what the default branch would be: the card's commits on its tip as it is now. When the
checks pass, the branch advances to that, if both are still where they were; otherwise the card is tried on
the new tip. A card that cannot be merged is bounced: it stays in review and says why. The queue is in the
database; whatever ends in between, `advance_merges` goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from lazyaf.domain import checks
from lazyaf.domain.checks import Check, CheckOutcome, ChecksState
from lazyaf.domain.errors import (
    BranchMoved,
    Conflict,
    IllegalTransition,
    LazyafError,
    MergeConflict,
    NotFound,
    Unavailable,
)
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge, refs
from lazyaf.services.after_push import branch_merged
from lazyaf.services.announce import card_changed
from lazyaf.services.approval import Review, review_of
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.merge_card import merge_card, require_head
from lazyaf.services.merge_method import make_commit
from lazyaf.services.run_checks import Candidate, Due, begin_checks
from lazyaf.services.views import card_view
from lazyaf.store.cards import get_card, update_card
from lazyaf.store.check_runs import CheckRunRow, find_run, open_check_job, run_for
from lazyaf.store.queued_merges import (
    QueuedMerge,
    first_queued_merge,
    insert_queued_merge,
    remove_queued_merge,
)
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)


async def queue_merge(ctx: Context, review: Review, head_sha: str, actor: Actor) -> None:
    """Put an approved card at the end of its repository's queue. Raises `BranchMoved` when its branch is
    not at ``head_sha``, and `MergeConflict` when it does not merge even now."""
    await require_head(ctx, review, head_sha)
    base_sha = await _base_of(ctx, review)
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
    _show(tx, queued.card_id, _state("queued", queued.head_sha), actor, queued.created_at)


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
    _show(tx, card_id, None, actor, now)
    return card.repo_id


async def advance_merges(ctx: Context, repo_id: str) -> None:
    """Merge or bounce from the head of the queue on, until one has to wait for its checks."""
    async with ctx.job_locks.hold(f"merges:{repo_id}"):
        while (queued := await ctx.db.read(first_queued_merge, repo_id)) is not None:
            try:
                if not await _step(ctx, queued):
                    return
            except Unavailable:
                raise  # nothing can be decided now
            except LazyafError as error:
                await _bounce(ctx, queued, error.code, error.detail)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The card whose turn it is, its repository's checks, and the run that is open, if one is."""

    review: Review
    checks: tuple[Check, ...]
    running: CheckRunRow | None


def _turn(tx: Tx, queued: QueuedMerge) -> _Turn:
    review = review_of(tx, queued.card_id, MergeMethod(queued.method))
    job = open_check_job(tx, queued.card_id)
    running = None if job is None else find_run(tx, job.id)
    return _Turn(review, review.settings.checks, running)


async def _step(ctx: Context, queued: QueuedMerge) -> bool:
    """Take the first of the queue as far as it goes now. False when it waits for its checks; otherwise
    whatever is first then is to be looked at."""
    async with ctx.job_locks.hold(f"card:{queued.card_id}"):
        try:
            turn = await ctx.db.read(_turn, queued)
        except (IllegalTransition, NotFound):
            await ctx.db.write(remove_queued_merge, queued.card_id)
            return True
        review = turn.review
        await require_head(ctx, review, queued.head_sha)
        if not turn.checks:  # the repository has none any more
            await merge_card(ctx, review, queued.head_sha, _actor(queued))
            ctx.background.run(branch_merged(ctx, review.repo.id, review.base))
            return True
        if await _is_under_way(ctx, queued, turn):
            return False
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
                await _check(ctx, queued, turn, candidate)
                return False
        return await _judge(ctx, queued, review, run)


async def _is_under_way(ctx: Context, queued: QueuedMerge, turn: _Turn) -> bool:
    """Whether these checks run on this pair already. Asked before a commit is made of it: each look would
    leave one behind."""
    run, base_sha = turn.running, await _base_of(ctx, turn.review)
    asked = (base_sha, queued.head_sha, list(turn.checks))
    if run is None or (run.base_sha, run.head_sha, run.checks) != asked:
        return False
    state = _state("checking", queued.head_sha, job_id=run.job_id)
    await ctx.db.write(_show, queued.card_id, state, _actor(queued), ctx.clock.now())
    return True


async def _candidate(ctx: Context, review: Review, head_sha: str) -> Candidate:
    """What the base branch would become. Made again when it is merged: the same tree, by the same method."""
    base_sha, repo_id = await _base_of(ctx, review), review.repo.id
    merged = await make_commit(ctx.git, review, base_sha, head_sha)
    return Candidate(base_sha, head_sha, merged, await merge.tree_of(ctx.git, repo_id, merged))


async def _base_of(ctx: Context, review: Review) -> str:
    base_sha = await refs.resolve(ctx.git, review.repo.id, branch_ref(review.base))
    if base_sha is None:
        raise NotFound(f"There is no branch “{review.base}” in {review.repo.name} any more.")
    return base_sha


async def _check(ctx: Context, queued: QueuedMerge, turn: _Turn, candidate: Candidate) -> None:
    due = Due(turn.review.card, turn.review.repo, turn.checks)
    job_id = await begin_checks(ctx, due, candidate, _actor(queued))
    state = _state("checking", queued.head_sha, job_id=job_id)
    await ctx.db.write(_show, queued.card_id, state, _actor(queued), ctx.clock.now())


async def _judge(ctx: Context, queued: QueuedMerge, review: Review, run: CheckRunRow) -> bool:
    """Merge what has passed, bounce what has not, wait for what runs."""
    if ChecksState(run.state) in checks.OPEN:
        state = _state("checking", queued.head_sha, job_id=run.job_id)
        await ctx.db.write(_show, queued.card_id, state, _actor(queued), ctx.clock.now())
        return False
    if run.state != ChecksState.PASSED.value:
        await _bounce(ctx, queued, "checks_failed", _why(run), job_id=run.job_id)
        return True
    try:
        await merge_card(ctx, replace(review, onto=run.base_sha), run.head_sha, _actor(queued))
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
    state = _state("bounced", queued.head_sha, reason=reason, detail=detail, **further)
    await ctx.db.write(_note_bounce, queued, state, ctx.clock.now())


def _note_bounce(tx: Tx, queued: QueuedMerge, state: dict[str, Any], now: str) -> None:
    if remove_queued_merge(tx, queued.card_id):
        _show(tx, queued.card_id, state, SERVER, now)


def _state(state: str, head_sha: str, **further: object) -> dict[str, Any]:
    """A card's ``merge_state``."""
    known: dict[str, Any] = {"job_id": None, "reason": None, "detail": None, "files": []}
    return {"state": state, "head_sha": head_sha, **known, **further}


def _show(tx: Tx, card_id: str, state: dict[str, Any] | None, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    if card.merge_state != state:
        update_card(tx, card, {"merge_state": state, "updated_at": now})
        card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


def _actor(queued: QueuedMerge) -> Actor:
    kind, _, name = queued.actor.partition(":")
    return Actor(kind, name)
