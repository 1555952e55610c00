"""Queues and stops jobs of checks, and keeps the commit that each is about for as long as it is open."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.errors import Conflict, LazyafError
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.domain.jobs import OPEN, JobKind, JobStatus
from lazyaf.git import refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate
from lazyaf.services.announce import job_changed
from lazyaf.services.cancel_job import request_cancel
from lazyaf.services.check_state import show
from lazyaf.services.context import Context
from lazyaf.store.check_runs import CheckRunRow, insert_run
from lazyaf.store.jobs import get_job, insert_job
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

REFS: Final = "refs/lazyaf/checks/"
"""Below it the commits stand that checks run on, by job, for as long as they run."""


def no_checks(repo: RepoRow) -> Conflict:
    """The error for a repository without checks."""
    return Conflict(
        f"{repo.name} has no checks. Name some in its settings or in .lazyaf/config.toml at the tip of "
        f"{repo.default_branch}.",
        code="no_checks",
    )


def queue_run(
    tx: Tx, run: CheckRunRow, *, priority: int, position: float, actor: Actor, now: str
) -> None:
    """Queue the job of a run and keep the run. Raises `Conflict` ``job_open`` while another one of the same
    card, or of the same default branch, is open."""
    values: dict[str, object] = {
        "id": run.job_id,
        "repo_id": run.repo_id,
        "card_id": run.card_id,
        "kind": JobKind.CHECK.value,
        "status": JobStatus.QUEUED.value,
        "agent": CHECKS,
        "request": {},
        "priority": priority,
        "position": position,
        "phase": "queued",
        "base_sha": run.merged_sha,
        "created_at": now,
    }
    try:
        job = insert_job(tx, values)
    except IntegrityError:
        raise Conflict("These checks are running already.", code="job_open") from None
    insert_run(tx, run)
    show(tx, run, now)
    job_changed(tx, EventType.JOB_QUEUED, job.id, actor, job)


def stop_run(tx: Tx, job_id: str, now: str) -> str | None:
    """Stop a run that nobody needs; its job, which has to end first, if it runs. The caller wakes its
    runner."""
    if not get_job(tx, job_id).cancel_requested:
        request_cancel(tx, job_id, SERVER, now)
    return job_id if JobStatus(get_job(tx, job_id).status) in OPEN else None


async def keep_commit(ctx: Context, repo_id: str, job_id: str, sha: str) -> None:
    """Have the commit stay, and be fetched, as long as the job is open."""
    await refs.update(ctx.git, repo_id, [RefUpdate(f"{REFS}{job_id}", sha, ZERO)])


async def forget_commit(ctx: Context, repo_id: str, job_id: str, sha: str) -> None:
    """Let go of the commit that a run was about."""
    try:
        await refs.update(ctx.git, repo_id, [RefUpdate(f"{REFS}{job_id}", None, sha)])
    except LazyafError as error:  # the next start does it
        log.debug("checks.commit_kept", job=job_id, detail=error.detail)
