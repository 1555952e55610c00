"""Jobs, their attempts and the commands for them: rows and queries. Their order is in `lazyaf.store.queue`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
)

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.errors import NotFound
from lazyaf.domain.jobs import JobKind
from lazyaf.store.change import change, change_each
from lazyaf.store.tables import attempts, cards, job_commands, jobs
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as stored. Checks of the default branch have no ``card_id``."""

    id: str
    repo_id: str
    card_id: str | None
    kind: str
    status: str
    agent: str
    request: dict[str, Any]
    priority: int
    position: float
    attempt: int
    spent: int
    runner_id: str | None
    cancel_requested: bool
    base_sha: str | None
    start_sha: str | None
    head_sha: str | None
    checkpoint_sha: str | None
    session_id: str | None
    stop_reason: str | None
    error: str | None
    usage: dict[str, Any] | None
    phase: str | None
    last_action: str | None
    log_seq: int
    version: int
    created_at: str
    started_at: str | None
    completed_at: str | None
    blocked_hosts: dict[str, int] | None = None

    @property
    def card(self) -> str:
        """The id of its card. Raises `NotFound` for checks of the default branch, which have none."""
        if self.card_id is None:
            raise NotFound(f"The job {self.id} checks a branch and has no card.")
        return self.card_id


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One claim of a job. ``state`` is ``live``, ``lost`` or ``closed``."""

    job_id: str
    attempt: int
    runner_id: str
    claim_id: str
    lease_hash: str
    git_hash: str
    state: str
    contacted: bool
    src_seq: int
    started_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class CommandRow:
    """Something for a running job."""

    id: int
    type: str
    text: str | None


# Literals, or PostgreSQL does not use the partial indexes.
RUNNING: ColumnElement[str] = literal_column("'running'")
NO_AGENT: ColumnElement[str] = literal_column(f"'{CHECKS}'")

_INSERT = insert(jobs).returning(jobs)
_INSERT_ATTEMPT = insert(attempts)
_GET = select(jobs).where(jobs.c.id == bindparam("job_id"))
_BY_CARD = select(jobs).where(jobs.c.card_id == bindparam("card_id")).order_by(jobs.c.id.desc())
_LAST = _BY_CARD.where(jobs.c.kind == literal_column(f"'{JobKind.AGENT}'")).limit(1)
_LAST_OF_AGENT = _LAST.where(jobs.c.agent == bindparam("agent"))
_ATTEMPT = select(attempts).where(
    attempts.c.job_id == bindparam("job_id"), attempts.c.attempt == bindparam("attempt")
)
_BY_LEASE = select(attempts).where(attempts.c.lease_hash == bindparam("hash"))
_BY_GIT = select(attempts).where(attempts.c.git_hash == bindparam("hash"))
_LIVE = select(attempts).where(
    attempts.c.job_id == bindparam("job_id"), attempts.c.state == literal_column("'live'")
)
_STOPPING = select(jobs).where(jobs.c.status == RUNNING, jobs.c.cancel_requested.is_(True))
_STRANDED = select(jobs).where(
    jobs.c.status == RUNNING,
    ~exists().where(attempts.c.job_id == jobs.c.id, attempts.c.state == literal_column("'live'")),
)
_COMMANDS = (
    select(job_commands.c.id, job_commands.c.type, job_commands.c.text)
    .where(job_commands.c.job_id == bindparam("job_id"), job_commands.c.id > bindparam("after"))
    .order_by(job_commands.c.id)
)


def get_job(tx: Tx, job_id: str) -> JobRow:
    """The job, or `NotFound`."""
    row = tx.execute(_GET, {"job_id": job_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return JobRow(**row._mapping)


def jobs_of_card(tx: Tx, card_id: str) -> list[JobRow]:
    """Every job of a card, newest first."""
    return [JobRow(**row._mapping) for row in tx.execute(_BY_CARD, {"card_id": card_id})]


def last_job(tx: Tx, card_id: str, agent: str | None = None) -> JobRow | None:
    """The newest run of an agent for a card, or the newest of this agent."""
    statement = _LAST if agent is None else _LAST_OF_AGENT
    row = tx.execute(statement, {"card_id": card_id, "agent": agent}).one_or_none()
    return JobRow(**row._mapping) if row is not None else None


def running_jobs(tx: Tx) -> list[JobRow]:
    """Every job that a runner holds."""
    return [JobRow(**r._mapping) for r in tx.execute(select(jobs).where(jobs.c.status == RUNNING))]


def stopping_jobs(tx: Tx) -> list[JobRow]:
    """Those that run and were told to stop."""
    return [JobRow(**row._mapping) for row in tx.execute(_STOPPING)]


def stranded_jobs(tx: Tx) -> list[JobRow]:
    """Jobs that run and that no attempt holds: giving them back was cut off."""
    return [JobRow(**row._mapping) for row in tx.execute(_STRANDED)]


def open_job_ids(tx: Tx) -> list[str]:
    """Every job that waits or runs, the oldest first."""
    query = select(jobs.c.id).where(jobs.c.status.in_(("queued", "running"))).order_by(jobs.c.id)
    return [row.id for row in tx.execute(query)]


def cards_at_work(tx: Tx, ids: Collection[str]) -> list[str]:
    """Those of these cards that have a job which waits or runs."""
    query = select(jobs.c.card_id).where(jobs.c.status.in_(("queued", "running")))
    return sorted(set(tx.execute(query).scalars()).intersection(ids))


def count_open(tx: Tx, repo_id: str) -> int:
    """How many jobs of a repository are queued or running."""
    query = (
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.repo_id == repo_id, jobs.c.status.in_(("queued", "running")))
    )
    return int(tx.execute(query).scalar_one())


def insert_job(tx: Tx, values: dict[str, Any]) -> JobRow:
    """Add a job and return it; a second open one of its kind and card, or of a repository without a card,
    raises the integrity error."""
    return JobRow(**tx.execute(_INSERT, values).one()._mapping)


def update_job(tx: Tx, job: JobRow, values: dict[str, Any]) -> JobRow:
    """Change columns; the version grows by one. The writer is alone, so no compare-and-set, and the
    job as it is now is known."""
    change(tx, jobs, {"id": job.id}, values, counter="version")
    return _changed(job, values)


def update_jobs(tx: Tx, changes: Sequence[tuple[JobRow, dict[str, Any]]]) -> list[JobRow]:
    """`update_job` for several, of the same columns each."""
    rows = [({"id": job.id}, values) for job, values in changes]
    change_each(tx, jobs, rows, counter="version")
    return [_changed(job, values) for job, values in changes]


def _changed(job: JobRow, values: dict[str, Any]) -> JobRow:
    return replace(job, **values, version=job.version + 1)


def insert_attempts(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Add attempts; a second live one of a job raises the integrity error."""
    tx.execute(_INSERT_ATTEMPT, rows if len(rows) > 1 else rows[0])


def update_attempt(tx: Tx, attempt: AttemptRow, values: dict[str, Any]) -> None:
    """Change columns of an attempt."""
    keys = {"job_id": attempt.job_id, "attempt": attempt.attempt}
    change(tx, attempts, keys, values)


def get_attempt(tx: Tx, job_id: str, attempt: int) -> AttemptRow | None:
    """This attempt, if there was one."""
    return _attempt(tx, _ATTEMPT, {"job_id": job_id, "attempt": attempt})


def attempt_by_lease(tx: Tx, lease_hash: str) -> AttemptRow | None:
    """The attempt that holds or held this lease."""
    return _attempt(tx, _BY_LEASE, {"hash": lease_hash})


def attempt_by_git(tx: Tx, git_hash: str) -> AttemptRow | None:
    """The attempt that this git credential was made for."""
    return _attempt(tx, _BY_GIT, {"hash": git_hash})


def live_attempt(tx: Tx, job_id: str) -> AttemptRow | None:
    """The attempt that holds this job's lease, if one does."""
    return _attempt(tx, _LIVE, {"job_id": job_id})


def live_attempts(tx: Tx) -> list[AttemptRow]:
    """Every attempt that holds a lease."""
    query = select(attempts).where(attempts.c.state == literal_column("'live'"))
    return [AttemptRow(**row._mapping) for row in tx.execute(query)]


def _attempt(tx: Tx, query: Any, parameters: dict[str, Any]) -> AttemptRow | None:
    row = tx.execute(query, parameters).one_or_none()
    return AttemptRow(**row._mapping) if row is not None else None


def insert_command(tx: Tx, job_id: str, command: str, text: str | None, now: str) -> None:
    """Leave a command for the runner of a job."""
    tx.execute(
        insert(job_commands), {"job_id": job_id, "type": command, "text": text, "created_at": now}
    )


def forget_commands(tx: Tx, job_id: str, up_to: int | None = None) -> None:
    """Delete the commands of a job, all or those up to an id: they were dealt with."""
    statement = delete(job_commands).where(job_commands.c.job_id == job_id)
    if up_to is not None:
        statement = statement.where(job_commands.c.id <= up_to)
    tx.execute(statement)


def commands_after(tx: Tx, job_id: str, after: int) -> list[CommandRow]:
    """The commands of a job with a greater id, oldest first."""
    rows = tx.execute(_COMMANDS, {"job_id": job_id, "after": after})
    return [CommandRow(**row._mapping) for row in rows]


def count_by_status(tx: Tx) -> dict[str, int]:
    """Open jobs by status, for the metrics."""
    query = (
        select(jobs.c.status, func.count().label("n"))
        .where(jobs.c.status.in_(("queued", "running")))
        .group_by(jobs.c.status)
    )
    return {row.status: row.n for row in tx.execute(query)}


@dataclass(frozen=True, slots=True)
class JobFate:
    """How far a job has come, and its card."""

    status: str
    completed_at: str | None
    card_status: str


def fates_of_jobs(tx: Tx, repo_id: str) -> dict[str, JobFate]:
    """Of every job of a repository's cards that is known, by its id."""
    query = (
        select(jobs.c.id, jobs.c.status, jobs.c.completed_at, cards.c.status.label("card_status"))
        .join(cards, cards.c.id == jobs.c.card_id)
        .where(jobs.c.repo_id == repo_id)
    )
    return {r.id: JobFate(r.status, r.completed_at, r.card_status) for r in tx.execute(query)}
