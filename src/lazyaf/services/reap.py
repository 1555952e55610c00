"""Find runners and leases that went silent, and give their jobs back to the queue (R7, R12, R15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from lazyaf.domain.errors import NotFound, Unavailable
from lazyaf.domain.events import SERVER, EventType
from lazyaf.domain.jobs import MAX_ATTEMPTS, JobCommand, JobKind, JobStatus, StopReason, apply
from lazyaf.domain.runners import MISSED_BEATS, RunnerEnd
from lazyaf.git import refs
from lazyaf.protocol.entries import Phase
from lazyaf.services.announce import job_changed
from lazyaf.services.append_log import append_own
from lazyaf.services.card_branch import Measured, branch_ref, measure
from lazyaf.services.check_state import checks_requeued
from lazyaf.services.close_job import Closing, close_job, end_attempt
from lazyaf.services.context import Context
from lazyaf.services.finish_job import drop_finish_intent
from lazyaf.services.keep_session import keep_pushed_session
from lazyaf.services.record_checkpoint import Pushed, follow_head, pushed_by
from lazyaf.services.runners import runner_left
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.jobs import (
    AttemptRow,
    JobRow,
    get_attempt,
    get_job,
    live_attempts,
    stopping_jobs,
    stranded_jobs,
    update_job,
)
from lazyaf.store.repos import get_repo
from lazyaf.store.runners import list_runners, online_runner_ids
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

CANCEL_SLACK_S: Final = 30.0
"""Seconds beyond the grace for a runner to end its agent."""
SAVING_S: Final = 900.0
"""Seconds for one that has ended it, and saves what it has done: a runner itself gives each step of that
300 s. Its lease ends it sooner when it dies."""
MAX_CLAIMS: Final = 10
"""Claims after which a job that no runner ever begins is given up."""


ENDS: Final = {
    RunnerEnd.DIED: "died",
    RunnerEnd.OUT_OF_MEMORY: "used more memory than it may and was killed",
    RunnerEnd.SENT_AWAY: "was sent away",
    RunnerEnd.WITH_SERVER: "ended with the server",
    RunnerEnd.WITH_ENGINE: "ended with the container engine",
}


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a job goes back to the queue, whether that spends an attempt, and how the job ends when no
    attempt is left. ``is_unheard``: because its runner has never used the lease."""

    why: str
    spends: bool
    at_last: StopReason = StopReason.RUNNER_LOST
    is_unheard: bool = False


async def reap(ctx: Context) -> int:
    """Requeue what is silent and mark silent runners offline; returns how many jobs were requeued."""
    watched = await ctx.db.read(_watched)
    count = 0
    for attempt in watched.attempts:
        lost = _silence(ctx, attempt)
        if lost is not None:
            count += await _tried(ctx, attempt, lost)
    if count:  # that took its time
        watched = await ctx.db.read(_watched)
    count += await _end_cancelled(ctx, watched)
    count += await _give_back_all(ctx, watched.stranded)
    await _reap_runners(ctx, watched.runners)
    return count


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is looked at each second, in one look: the attempts that hold a lease, the running jobs that are
    to stop, the jobs that no attempt holds, and the ids of the runners that are not offline."""

    attempts: Sequence[AttemptRow]
    stopping: Sequence[JobRow]
    stranded: Sequence[JobRow]
    runners: Sequence[str]


def _watched(tx: Tx) -> _Watched:
    return _Watched(live_attempts(tx), stopping_jobs(tx), stranded_jobs(tx), online_runner_ids(tx))


def _silence(ctx: Context, attempt: AttemptRow) -> Lost | None:
    """Why this attempt is given up at this moment, if it is: another one may have taken a while."""
    key = f"job:{attempt.job_id}"
    if not attempt.contacted and ctx.presence.silent([key], ctx.rhythm.first_contact):
        return Lost(
            "The runner never began: it did not get the job.", spends=False, is_unheard=True
        )
    if ctx.presence.silent([key], ctx.rhythm.lease):
        # One that was never heard of under this server ended while there was none (R15).
        spends = ctx.presence.was_heard(key)
        return Lost("The runner was not heard of any more.", spends=spends)
    return None


async def _tried(ctx: Context, attempt: AttemptRow, lost: Lost) -> bool:
    """`lose_attempt`; what goes wrong with one job must not keep the others. It is tried again."""
    try:
        return await lose_attempt(ctx, attempt, lost)
    except Unavailable:
        raise  # no job can be given back now
    except Exception as error:
        log.error("not_given_back", job=attempt.job_id, exc_info=error)
        return False


async def _end_cancelled(ctx: Context, watched: _Watched) -> int:
    """Take the job from a runner that was told to stop it and does not come to an end (R14)."""
    asked = watched.stopping
    saving = [f"cancel:{job.id}" for job in asked if job.phase == Phase.PUSHING.value]
    others = [f"cancel:{job.id}" for job in asked if job.phase != Phase.PUSHING.value]
    slack = ctx.rhythm.cancel_grace + CANCEL_SLACK_S
    overdue = ctx.presence.silent(saving, slack + SAVING_S) + ctx.presence.silent(others, slack)
    late = {key.removeprefix("cancel:") for key in overdue}
    lost = Lost("The runner did not stop the job in time.", spends=False)
    return sum([await _tried(ctx, a, lost) for a in watched.attempts if a.job_id in late])


async def give_back_stranded(ctx: Context) -> int:
    """Go on with jobs that were taken from their runner, and whose giving back was cut off by the end of
    the server or by a failure."""
    return await _give_back_all(ctx, await ctx.db.read(stranded_jobs))


async def _give_back_all(ctx: Context, stranded: Sequence[JobRow]) -> int:
    count = 0
    for job in stranded:
        try:
            count += await _give_back_one(ctx, job.id)
        except Unavailable:
            raise
        except Exception as error:
            log.error("not_given_back", job=job.id, exc_info=error)
    return count


async def _give_back_one(ctx: Context, job_id: str) -> bool:
    async with ctx.job_locks.hold(job_id):
        attempt = await ctx.db.read(_stranded, job_id)
        if attempt is not None:
            await _give_back(ctx, attempt, Lost("The runner was lost.", spends=False))
    return attempt is not None


def _stranded(tx: Tx, job_id: str) -> AttemptRow | None:
    """The lost attempt of a job that still has to be given back."""
    job = get_job(tx, job_id)
    if job.status != JobStatus.RUNNING.value:
        return None
    attempt = get_attempt(tx, job_id, job.attempt)
    return attempt if attempt is not None and attempt.state == "lost" else None


async def _reap_runners(ctx: Context, present: Sequence[str]) -> None:
    keys = [f"runner:{runner_id}" for runner_id in present]
    for key in ctx.presence.silent(keys, ctx.rhythm.heartbeat * MISSED_BEATS):
        runner_id = key.removeprefix("runner:")
        ctx.presence.forget(key)
        await ctx.db.write(runner_left, runner_id)


async def lose_runner(ctx: Context, name: str, end: RunnerEnd) -> None:
    """A runner is known to be dead: requeue its job at once and take it off the list."""
    runner = next((r for r in await ctx.db.read(list_runners) if r.name == name), None)
    if runner is None:
        return
    spends = end in (RunnerEnd.DIED, RunnerEnd.OUT_OF_MEMORY)
    at_last = StopReason.OUT_OF_MEMORY if end is RunnerEnd.OUT_OF_MEMORY else StopReason.RUNNER_LOST
    lost = Lost(f"The runner {name} {ENDS[end]}.", spends, at_last)
    for attempt in await ctx.db.read(live_attempts):
        if attempt.runner_id == runner.id:
            await lose_attempt(ctx, attempt, lost)
    ctx.presence.forget(f"runner:{runner.id}")
    await ctx.db.write(runner_left, runner.id)


async def lose_attempt(ctx: Context, attempt: AttemptRow, lost: Lost) -> bool:
    """Fence the attempt, then requeue its job, or close it when it was being cancelled or no attempt
    is left. False when it had ended meanwhile."""
    async with ctx.job_locks.hold(attempt.job_id):
        # First fence, then await that lease's pushes, and only then let another runner begin (R7).
        if not await ctx.db.write(_fence, attempt, lost, ctx.clock.now()):
            return False
        await _give_back(ctx, attempt, lost)
    return True


async def _give_back(ctx: Context, attempt: AttemptRow, lost: Lost) -> None:
    """Requeue or close the job of an attempt that is fenced."""
    await ctx.git.end_packs(pack_key(attempt.job_id, attempt.attempt))
    await _keep_pushed(ctx, attempt)
    measured, head = await _measure(ctx, attempt.job_id)
    await ctx.db.write(_requeue, attempt.job_id, lost, measured, head, ctx.clock.now())
    ctx.presence.forget(f"job:{attempt.job_id}")
    ctx.presence.forget(f"cancel:{attempt.job_id}")
    ctx.control.wake(attempt.job_id)


def pack_key(job_id: str, attempt: int) -> str:
    """The name under which the running pushes of an attempt are known."""
    return f"{job_id}/{attempt}"


def _fence(tx: Tx, seen: AttemptRow, lost: Lost, now: str) -> bool:
    attempt = get_attempt(tx, seen.job_id, seen.attempt)
    if attempt is None or attempt.state != "live":
        return False
    if lost.is_unheard and attempt.contacted:
        return False  # it was heard of while we looked
    job = get_job(tx, seen.job_id)
    end_attempt(tx, job, "lost", now)
    drop_finish_intent(tx, job.card_id)  # what it had begun to say is not the next attempt's word
    return True


async def _keep_pushed(ctx: Context, attempt: AttemptRow) -> None:
    """Take what the attempt has pushed for its last checkpoint, although it never said so."""
    try:
        job, card = await ctx.db.read(_job_and_card, attempt.job_id)
        pushed = await pushed_by(ctx, job.repo_id, job.id, attempt.attempt)
        await keep_pushed_session(ctx, job, attempt.attempt)
    except NotFound:
        return
    if pushed is not None and (pushed.head, pushed.checkpoint) != (
        job.head_sha,
        job.checkpoint_sha,
    ):
        await follow_head(ctx, job, card, pushed.head)
        await ctx.db.write(_keep, job.id, pushed)


def _job_and_card(tx: Tx, job_id: str) -> tuple[JobRow, CardRow]:
    job = get_job(tx, job_id)
    return job, get_card(tx, job.card)


def _keep(tx: Tx, job_id: str, pushed: Pushed) -> None:
    values = {"head_sha": pushed.head, "checkpoint_sha": pushed.checkpoint}
    update_job(tx, get_job(tx, job_id), values)


def _place(tx: Tx, job_id: str) -> tuple[CardRow, str]:
    card = get_card(tx, get_job(tx, job_id).card)
    return card, card.base_branch or get_repo(tx, card.repo_id).default_branch


async def _measure(ctx: Context, job_id: str) -> tuple[Measured, str | None]:
    try:
        card, base = await ctx.db.read(_place, job_id)
        head = await refs.resolve(ctx.git, card.repo_id, branch_ref(card.branch_name or ""))
        return (await measure(ctx, card.repo_id, base, head) if head else Measured()), head
    except NotFound:
        return Measured(), None


def _requeue(
    tx: Tx, job_id: str, lost: Lost, measured: Measured, head: str | None, now: str
) -> None:
    job = get_job(tx, job_id)
    if job.status != JobStatus.RUNNING.value:
        return
    spent = job.spent + (1 if lost.spends else 0)
    if job.cancel_requested or spent >= MAX_ATTEMPTS or job.attempt >= MAX_CLAIMS:
        cancelled = job.cancel_requested
        closing = Closing(
            StopReason.CANCELLED if cancelled else lost.at_last,
            head_sha=head,
            measured=measured,
        )
        close_job(tx, job_id, closing, SERVER, now)
        return
    update_job(
        tx,
        job,
        {
            "status": apply(JobStatus(job.status), JobCommand.REQUEUE).value,
            "spent": spent,
            "runner_id": None,
            "phase": "queued",
        },
    )
    is_check = job.kind == JobKind.CHECK.value
    again = "will begin anew" if is_check else "will continue from the last checkpoint"
    text = f"{lost.why} The job is queued again and {again}."
    append_own(tx, job_id, text, now)
    if is_check:
        checks_requeued(tx, job, now)
    job_changed(tx, EventType.JOB_REQUEUED, job_id, SERVER)
