"""What a runner is told of the job that it claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lazyaf.domain.jobs import JobKind
from lazyaf.domain.repo_settings import effective
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
from lazyaf.services.context import Rhythm
from lazyaf.services.hand_out_jobs import Claimed
from lazyaf.store.attachments import AttachmentRow
from lazyaf.store.board import FullCard
from lazyaf.store.check_runs import CheckRunRow


@dataclass(frozen=True, slots=True)
class Start:
    """Where the work begins, as git has it at the moment, and with what."""

    base: str
    base_sha: str
    branch_sha: str | None
    resume: Resume
    attachments: Sequence[AttachmentRow] = ()


def job_message(rhythm: Rhythm, claimed: Claimed, start: Start) -> Job:
    """An agent's job, as its runner is told of it."""
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
            cancel_grace_s=rhythm.cancel_grace,
            checkpoint_s=rhythm.checkpoint,
        ),
        setup=settings.setup_command,
        prompt_template=repo.prompt_template,
        trusted=settings.trusted,
        ended=claimed.ended,
        **_committer(claimed.committer),
    )


def check_message(rhythm: Rhythm, claimed: Claimed, run: CheckRunRow) -> Job:
    """The checks, on the commit that they are about and no other."""
    start = Start(claimed.base, run.merged_sha, run.merged_sha, Resume())
    job = job_message(rhythm, claimed, start)
    tasks = [CheckTask(**check) for check in run.checks]
    return job.model_copy(update={"kind": JobKind.CHECK, "checks": tasks})


def _task(card: FullCard | None, request: dict[str, Any]) -> Task:
    if card is None:
        return NO_TASK
    return Task(
        card_id=card.id,
        number=card.number,
        title=card.title,
        description=card.description,
        message=request.get("message", ""),
        comments=[Comment(**comment) for comment in request.get("comments", [])],
    )


def _committer(committer: dict[str, str]) -> dict[str, str]:
    names = {"name": "committer_name", "email": "committer_email"}
    return {names[key]: committer[key] for key in names if committer.get(key)}
