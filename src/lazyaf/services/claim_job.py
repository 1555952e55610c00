"""Give a runner the next job in the queue (rules.md R12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.jobs import JobCommand, JobKind, JobStatus, StopReason, apply
from lazyaf.domain.repo_settings import effective
from lazyaf.domain.runners import PoolKind
from lazyaf.git import refs
from lazyaf.protocol import GIT_USERNAME
from lazyaf.protocol.messages import (
    NO_TASK,
    CheckTask,
    Comment,
    Job,
    JobAttachment,
    Limits,
    RepoAccess,
    Resume,
    Task,
)
from lazyaf.services.announce import job_changed, runner_changed
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.check_state import checks_began
from lazyaf.services.close_job import Closing, close_job
from lazyaf.services.context import Context
from lazyaf.services.credentials import AttemptSecrets, LeaseKeys, digest
from lazyaf.services.runners import require_registered
from lazyaf.services.supplies import Supplies
from lazyaf.services.supply_job import supply_job
from lazyaf.store.attachments import AttachmentRow, attachments_of
from lazyaf.store.board import FullCard, full_card
from lazyaf.store.check_runs import CheckRunRow, find_run
from lazyaf.store.jobs import (
    AttemptRow,
    JobRow,
    get_job,
    insert_attempt,
    update_job,
)
from lazyaf.store.next_job import Scope, find_claimant, next_job
from lazyaf.store.queue import HOLDING, holds_of
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.runners import RunnerRow, update_runner
from lazyaf.store.settings import get_setting, get_settings
from lazyaf.store.tx import Tx

COMMITTER: Final = "committer"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the claim found, before git was asked."""

    runner: RunnerRow
    job: JobRow
    card: FullCard | None
    repo: RepoRow
    committer: dict[str, str]
    attempt: int
    secrets: AttemptSecrets
    has_files: bool
    run: CheckRunRow | None = None
    ended: Literal["lost", "closed"] | None = None

    @property
    def base(self) -> str:
        """The branch that the card goes into; without a card the one that is checked."""
        own = self.card.summary["base_branch"] if self.card is not None else None
        return own or self.repo.default_branch

    @property
    def branch(self) -> str:
        """The card's branch; without a card the one that is checked."""
        return self.base if self.card is None else self.card.summary["branch_name"] or ""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the work begins, as git has it at the moment, and with what."""

    base: str
    base_sha: str
    branch_sha: str | None
    resume: Resume
    attachments: Sequence[AttachmentRow] = ()


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
    claimed = await ctx.db.write(
        _claim,
        instance_id,
        token_id,
        claim_id,
        ctx.keys,
        ctx.clock.now(),
        supplies=ctx.supplies,
    )
    if isinstance(claimed, Look):
        return claimed
    if claimed.ended is None:
        ctx.presence.touch(f"job:{claimed.job.id}")
    runner = claimed.runner
    if claimed.run is not None:
        job = _check_message(ctx, claimed, claimed.run)
        return Look(runner, job if claimed.ended else await supply_job(ctx, runner, job))
    base = claimed.base
    base_ref, own_ref = branch_ref(base), branch_ref(claimed.branch)
    tips = await refs.tips(ctx.git, claimed.repo.id, (base_ref, own_ref))
    # Read here and not by the claim: while that goes on everybody else waits. Most cards have none.
    card_id = claimed.job.card
    files = await ctx.db.read(attachments_of, card_id) if claimed.has_files else ()
    base_sha, branch_sha = tips.get(base_ref), tips.get(own_ref)
    if base_sha is None and claimed.ended is not None:
        return Look(runner, is_spent=True)
    if base_sha is None:
        await _fail_without_base(ctx, claimed, base)
        return Look(runner, is_spent=True)
    if base_sha != claimed.job.base_sha and claimed.ended is None:  # it moved while the job waited
        await ctx.db.write(_remember_base, claimed.job.id, base_sha)
    resume = await _resume(ctx, claimed.job, branch_sha)
    job = _message(ctx, claimed, Start(base, base_sha, branch_sha, resume, files))
    return Look(runner, job if claimed.ended else await supply_job(ctx, runner, job))


def _claim(
    tx: Tx,
    instance_id: str,
    token_id: str,
    claim_id: str,
    keys: LeaseKeys,
    now: str,
    *,
    supplies: Supplies,
) -> Claimed | Look:
    claimant = find_claimant(tx, instance_id, claim_id)
    runner = require_registered(claimant.runner, token_id)
    if claimant.attempt is not None:
        return _claimed_again(tx, runner, claimant.attempt, keys, now)
    if runner.current_job_id is not None or runner.is_draining:
        return Look(runner)  # one job at a time: the one it has ends, or its lease does
    settings = get_settings(tx, (*HOLDING, COMMITTER))
    holds = holds_of(tx, settings, runner.agent_names)
    if holds.is_shut:
        return Look(runner, lanes=runner.lanes)
    # Checks first: what is nearly done is finished before more is begun.
    checks = [CHECKS] if holds.offered and claimant.checks_wait else []
    scope = _scope(runner, supplies)
    turn = next_job(tx, checks, scope) or next_job(tx, holds.offered - holds.full_agents, scope)
    if turn is None:
        return Look(runner, lanes=runner.lanes)
    secrets = keys.attempt(turn.job.id, turn.job.attempt + 1, claim_id)
    taken, card = _take(tx, runner, turn.job, claim_id, secrets, now)
    committer = settings.get(COMMITTER, {})
    run = _run_of(tx, taken)
    repo, attempt, has_files = turn.repo, taken.attempt, turn.has_files
    claimed = Claimed(runner, taken, card, repo, committer, attempt, secrets, has_files, run)
    _occupy(tx, runner, claimed, now)
    return claimed


def _take(
    tx: Tx, runner: RunnerRow, job: JobRow, claim_id: str, secrets: AttemptSecrets, now: str
) -> tuple[JobRow, FullCard | None]:
    """The job runs from now on, in an attempt of this runner; the job and its card as they are then."""
    attempt = job.attempt + 1
    taken = update_job(
        tx,
        job,
        {
            "status": apply(JobStatus(job.status), JobCommand.CLAIM).value,
            "attempt": attempt,
            "runner_id": runner.id,
            "started_at": job.started_at or now,
            "phase": "fetching",
        },
    )
    insert_attempt(
        tx,
        {
            "job_id": job.id,
            "attempt": attempt,
            "runner_id": runner.id,
            "claim_id": claim_id,
            "lease_hash": digest(secrets.lease),
            "git_hash": digest(secrets.git_password),
            "state": "live",
            "started_at": now,
        },
    )
    if job.kind == JobKind.CHECK.value:
        checks_began(tx, job, now)
    return job_changed(tx, EventType.JOB_CLAIMED, job.id, Actor("runner", runner.name), taken)


def _scope(runner: RunnerRow, supplies: Supplies) -> Scope:
    """For which repositories this runner may work."""
    is_warm = runner.pool == PoolKind.DOCKER.value and runner.repo_id is None
    return Scope(
        runner.image,
        images_matter=supplies.own_images or runner.image is not None,
        only=runner.repo_id,
        without=supplies.cached if is_warm else frozenset(),
    )


def _run_of(tx: Tx, job: JobRow) -> CheckRunRow | None:
    return find_run(tx, job.id) if job.kind == JobKind.CHECK.value else None


def _occupy(tx: Tx, runner: RunnerRow, claimed: Claimed, now: str) -> None:
    values = {"status": "busy", "current_job_id": claimed.job.id, "last_heartbeat": now}
    busy = update_runner(tx, runner, values)
    actor = Actor("runner", runner.name)
    card = claimed.card
    runner_changed(tx, EventType.RUNNER_UPDATED, runner.id, actor, card=card, runner=busy)


def _claimed_again(
    tx: Tx, runner: RunnerRow, held: AttemptRow, keys: LeaseKeys, now: str
) -> Claimed | Look:
    """The same job for the same claim: the answer was lost, or the runner began anew."""
    if held.runner_id != runner.id:
        return Look(runner, is_spent=True)
    job = get_job(tx, held.job_id)
    claimed = Claimed(
        runner,
        job,
        full_card(tx, job.card_id) if job.card_id is not None else None,
        get_repo(tx, job.repo_id),
        get_setting(tx, COMMITTER, {}),
        held.attempt,
        keys.attempt(held.job_id, held.attempt, held.claim_id),
        has_files=True,  # or perhaps not: it is rare enough to look
        run=_run_of(tx, job),
    )
    if held.state != "live":
        return replace(claimed, ended="lost" if held.state == "lost" else "closed")
    if runner.current_job_id != held.job_id:
        _occupy(tx, runner, claimed, now)
    return claimed


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


def _message(ctx: Context, claimed: Claimed, start: Start) -> Job:
    job, repo = claimed.job, claimed.repo
    settings = effective(repo.settings, repo.file_settings)
    # A fresh start ignores the branch only until this job has pushed something itself.
    is_fresh = bool(job.request.get("fresh")) and job.head_sha is None
    return Job(
        job_id=job.id,
        attempt=claimed.attempt,
        lease=claimed.secrets.lease,
        repo=RepoAccess(
            id=repo.id,
            name=repo.name,
            clone_url=f"/git/{repo.id}.git",
            username=GIT_USERNAME,
            password=claimed.secrets.git_password,
        ),
        base=start.base,
        base_sha=start.base_sha,
        branch=claimed.branch,
        branch_sha=None if is_fresh else start.branch_sha,
        push_prefix=f"refs/lazyaf/jobs/{job.id}/{claimed.attempt}/",
        resume=start.resume,
        agent=job.agent,
        agent_options=claimed.card.agent_options if claimed.card is not None else {},
        task=_task(claimed.card, job.request),
        attachments=[
            JobAttachment(
                id=row.id,
                name=row.name,
                media_type=row.media_type,
                size=row.size,
                sha256=row.sha256,
            )
            for row in start.attachments
        ],
        limits=Limits(
            job_s=settings.job_limit_s,
            idle_s=settings.idle_limit_s,
            setup_s=settings.setup_limit_s,
            cancel_grace_s=ctx.rhythm.cancel_grace,
            checkpoint_s=ctx.rhythm.checkpoint,
        ),
        setup=settings.setup_command,
        prompt_template=repo.prompt_template,
        trusted=settings.trusted,
        ended=claimed.ended,
        **_committer(claimed.committer),
    )


def _check_message(ctx: Context, claimed: Claimed, run: CheckRunRow) -> Job:
    """The checks, on the commit that they are about and no other."""
    start = Start(claimed.base, run.merged_sha, run.merged_sha, Resume())
    job = _message(ctx, claimed, start)
    tasks = [CheckTask(**check) for check in run.checks]
    return job.model_copy(update={"kind": JobKind.CHECK, "checks": tasks})


def _task(card: FullCard | None, request: dict[str, Any]) -> Task:
    if card is None:
        return NO_TASK
    return Task(
        card_id=card.summary["id"],
        number=card.summary["number"],
        title=card.summary["title"],
        description=card.description,
        message=request.get("message", ""),
        comments=[Comment(**comment) for comment in request.get("comments", [])],
    )


def _committer(committer: dict[str, str]) -> dict[str, str]:
    names = {"name": "committer_name", "email": "committer_email"}
    return {names[key]: committer[key] for key in names if committer.get(key)}
