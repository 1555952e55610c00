"""Give a runner the next job in the queue (rules.md R12)."""

from __future__ import annotations

from dataclasses import dataclass

from lazyaf.domain.events import Actor
from lazyaf.domain.jobs import StopReason
from lazyaf.git import refs
from lazyaf.protocol.messages import Job, Resume
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.close_job import Closing, close_job
from lazyaf.services.context import Context
from lazyaf.services.hand_out_jobs import Ask, Claimed, Nothing, hand_out_jobs
from lazyaf.services.job_message import Start, check_message, job_message
from lazyaf.services.supply_job import supply_job
from lazyaf.store.attachments import attachments_of
from lazyaf.store.jobs import JobRow, get_job, update_job
from lazyaf.store.runners import RunnerRow
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Look:
    """What came of a runner's look into the queue: a job, or else in which lanes there is none.
    ``is_spent``: this claim gets no job any more, another ``claim_id`` might."""

    runner: RunnerRow
    job: Job | None = None
    lanes: frozenset[str] = frozenset()
    is_spent: bool = False


async def claim_job(ctx: Context, instance_id: str, token_id: str, claim_id: str) -> Look:
    """Look for the next job for this runner. A repeated ``claim_id`` gets the same job again, also
    when its attempt has ended meanwhile: what the runner has left of it must not lie about."""
    ask = Ask(instance_id, token_id, claim_id, ctx.keys, ctx.supplies, ctx.clock.now())
    answer: Claimed | Nothing = await ctx.db.write_together(hand_out_jobs, ask)
    if isinstance(answer, Nothing):
        return Look(answer.runner, lanes=answer.lanes, is_spent=answer.is_spent)
    if answer.ended is None:
        ctx.presence.touch(f"job:{answer.job.id}")
    job = await _told(ctx, answer)
    if job is None:
        return Look(answer.runner, is_spent=True)
    if answer.ended is None:
        job = await supply_job(ctx, answer.runner, job)
    return Look(answer.runner, job)


async def _told(ctx: Context, claimed: Claimed) -> Job | None:
    """What the runner is told; None when the branch to begin from is gone."""
    if claimed.run is not None:
        return check_message(ctx.rhythm, claimed, claimed.run)
    base = claimed.base
    base_ref, own_ref = branch_ref(base), branch_ref(claimed.branch)
    tips = await refs.tips(ctx.git, claimed.repo.id, (base_ref, own_ref))
    # Read here and not by the claim: while that goes on everybody else waits. Most cards have none.
    card_id = claimed.job.card
    files = await ctx.db.read(attachments_of, card_id) if claimed.has_files else ()
    base_sha, branch_sha = tips.get(base_ref), tips.get(own_ref)
    if base_sha is None:
        if claimed.ended is None:
            await _fail_without_base(ctx, claimed, base)
        return None
    if base_sha != claimed.job.base_sha and claimed.ended is None:  # it moved while the job waited
        await ctx.db.write(_remember_base, claimed.job.id, base_sha)
    resume = await _resume(ctx, claimed.job, branch_sha)
    return job_message(ctx.rhythm, claimed, Start(base, base_sha, branch_sha, resume, files))


def _remember_base(tx: Tx, job_id: str, base_sha: str) -> None:
    job = get_job(tx, job_id)
    if job.base_sha != base_sha:
        update_job(tx, job, {"base_sha": base_sha})


async def _fail_without_base(ctx: Context, claimed: Claimed, base: str) -> None:
    closing = Closing(
        StopReason.SETUP_FAILED,
        error=f"There is no branch “{base}” in {claimed.repo.name} any more. Choose another base "
        "branch in the card, then retry.",
    )
    await ctx.db.write(close_job, claimed.job.id, closing, Actor("server"), ctx.clock.now())


async def _resume(ctx: Context, job: JobRow, branch_sha: str | None) -> Resume:
    """Where an earlier attempt or run stopped. What an earlier *job* kept counts only while the
    branch has not gone elsewhere: a person's commits on it come first."""
    session = job.session_id
    if job.head_sha is None:
        return Resume(session=session)
    is_carried = job.attempt == 1
    if (
        is_carried
        and branch_sha is not None
        and not await refs.is_ancestor(ctx.git, job.repo_id, branch_sha, job.head_sha)
    ):
        return Resume(session=session)
    return Resume(head=job.head_sha, checkpoint=job.checkpoint_sha, session=session)
