"""What a claim asks of the database: who claims, and whose turn it is. One statement each, as long as
nothing holds the job whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, exists, func, select

from lazyaf.domain.checks import CHECKS
from lazyaf.store.jobs import RUNNING, AttemptRow, JobRow
from lazyaf.store.queue import NO_AGENT, QUEUED, full_repos, repos_but, repos_of_other_images, turn
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.runners import RunnerRow
from lazyaf.store.tables import attachments, attempts, jobs, repos, runners
from lazyaf.store.tx import Tx


def _columns(table: Table, kind: type[Any]) -> list[ColumnElement[Any]]:
    """The columns of a row of this kind, in its order."""
    return [table.c[field.name].label(f"{table.name}_{field.name}") for field in fields(kind)]


_RUNNER, _ATTEMPT = _columns(runners, RunnerRow), _columns(attempts, AttemptRow)
_JOB, _REPO = _columns(jobs, JobRow), _columns(repos, RepoRow)

_CHECKS_WAIT = exists().where(jobs.c.status == QUEUED, jobs.c.agent == NO_AGENT)
_CLAIMANT = (
    select(*_RUNNER, *_ATTEMPT, _CHECKS_WAIT.label("checks_wait"))
    .outerjoin_from(runners, attempts, attempts.c.claim_id == bindparam("claim_id"))
    .where(runners.c.instance_id == bindparam("instance_id"))
)
_other = jobs.alias("other")
_RUNNING_THERE = (
    select(func.count())
    .where(_other.c.status == RUNNING, _other.c.repo_id == repos.c.id, _other.c.agent != NO_AGENT)
    .correlate(repos)
    .scalar_subquery()
)
_HAS_FILES = exists().where(attachments.c.card_id == jobs.c.card_id).label("has_files")
# An outer join, though every job has a repository: the jobs are to be looked up first, in their order.
_FIRST_OF_AGENT = (
    select(*_JOB, *_REPO, _HAS_FILES, (repos.c.wip_limit <= _RUNNING_THERE).label("is_full"))
    .outerjoin_from(jobs, repos, jobs.c.repo_id == repos.c.id)
    .where(jobs.c.status == QUEUED, jobs.c.agent == bindparam("agent"))
    .order_by(*turn(jobs))
    .limit(1)
    .with_for_update(of=jobs, skip_locked=True)
)
_FIRST_OF_REPO = (
    select(_other.c.id)
    .where(
        _other.c.status == QUEUED,
        _other.c.repo_id == repos.c.id,
        _other.c.agent == bindparam("agent"),
    )
    .order_by(*turn(_other))
    .limit(1)
    .correlate(repos)
    .scalar_subquery()
)
_FIRST_ELSEWHERE = (
    select(*_JOB, _HAS_FILES)
    .join_from(repos, jobs, jobs.c.id == _FIRST_OF_REPO)
    .where(repos.c.id.not_in(bindparam("without", expanding=True)))
    .order_by(*turn(jobs))
    .limit(1)
    .with_for_update(of=jobs, skip_locked=True)
)


@dataclass(frozen=True, slots=True)
class Claimant:
    """A runner process, if it registered, and the attempt that its claim led to. ``checks_wait``: some job
    of checks is queued, so that it is worth a look whether it is for this runner."""

    runner: RunnerRow | None = None
    attempt: AttemptRow | None = None
    checks_wait: bool = False


def find_claimant(tx: Tx, instance_id: str, claim_id: str) -> Claimant:
    """Who claims."""
    row = tx.execute(_CLAIMANT, {"instance_id": instance_id, "claim_id": claim_id}).one_or_none()
    if row is None:
        return Claimant()
    attempt = row[len(_RUNNER) : -1]
    return Claimant(
        RunnerRow(*row[: len(_RUNNER)]),
        AttemptRow(*attempt) if attempt[0] is not None else None,
        bool(row.checks_wait),
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """For which repositories a runner may work: those that name this ``image``, None is the pool's own,
    unless no ``images_matter``, where no pool makes containers of them; for one ``only``, if that is said, and
    not for those ``without``."""

    image: str | None
    images_matter: bool
    only: str | None = None
    without: frozenset[str] = frozenset()

    def has(self, repo: RepoRow) -> bool:
        """Whether this repository is one of them."""
        if self.images_matter and repo.image != self.image:
            return False
        return self.only in (None, repo.id) and repo.id not in self.without


@dataclass(frozen=True, slots=True)
class Turn:
    """A job whose turn it is, its repository, and whether its card has attached files."""

    job: JobRow
    repo: RepoRow
    has_files: bool


def next_job(tx: Tx, agents: Iterable[str], scope: Scope) -> Turn | None:
    """The job whose turn it is among those of these agents, in the repositories of the scope that
    are not at their limit, which does not hold checks."""
    heads = [head for agent in agents if (head := _head(tx, agent, scope)) is not None]
    return min(heads, key=lambda t: (-t.job.priority, t.job.position, t.job.id), default=None)


def _head(tx: Tx, agent: str, scope: Scope) -> Turn | None:
    row = tx.execute(_FIRST_OF_AGENT, {"agent": agent}).one_or_none()
    if row is None:
        return None
    repo = RepoRow(*row[len(_JOB) : -2])
    if (row.is_full and agent != CHECKS) or not scope.has(repo):
        return _head_elsewhere(tx, agent, scope)
    return Turn(JobRow(*row[: len(_JOB)]), repo, bool(row.has_files))


def _head_elsewhere(tx: Tx, agent: str, scope: Scope) -> Turn | None:
    """The first that nothing holds: what is held stands before it."""
    without = scope.without if agent == CHECKS else full_repos(tx) | scope.without
    if scope.images_matter:
        without |= repos_of_other_images(tx, scope.image)
    if scope.only is not None:
        without |= repos_but(tx, scope.only)
    row = tx.execute(_FIRST_ELSEWHERE, {"agent": agent, "without": list(without)}).one_or_none()
    if row is None:
        return None
    job = JobRow(*row[: len(_JOB)])
    return Turn(job, get_repo(tx, job.repo_id), bool(row.has_files))
