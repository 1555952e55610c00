"""What claims ask of the database: who claims, and whose turn it is. One statement each, for as many as
claim together, as long as no answer was lost and nothing holds the jobs whose turn it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    bindparam,
    case,
    exists,
    func,
    null,
    select,
)

from lazyaf.domain.checks import CHECKS
from lazyaf.store.columns import columns_of
from lazyaf.store.holds import full_repos
from lazyaf.store.jobs import NO_AGENT, RUNNING, AttemptRow, JobRow
from lazyaf.store.queue import QUEUED, repos_but, repos_of_other_images, turn
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.runners import RunnerRow
from lazyaf.store.several import is_one_of, keys_of, width
from lazyaf.store.tables import attachments, attempts, jobs, repos, runners
from lazyaf.store.tx import Tx

_RUNNER = columns_of(runners, RunnerRow)
_JOB, _REPO = columns_of(jobs, JobRow), columns_of(repos, RepoRow)

_CHECKS_WAIT = exists().where(jobs.c.status == QUEUED, jobs.c.agent == NO_AGENT)


@lru_cache(maxsize=8)
def _claimants(count: int) -> Select[Any]:
    """Runners, and whether one of these claims led to an attempt: only when an answer was lost."""
    again = exists().where(is_one_of(attempts.c.claim_id, "claim", count))
    return select(*_RUNNER, _CHECKS_WAIT.label("checks_wait"), again.label("again")).where(
        is_one_of(runners.c.instance_id, "instance", count)
    )


@lru_cache(maxsize=8)
def _attempts(count: int) -> Select[Any]:
    return select(attempts).where(is_one_of(attempts.c.claim_id, "claim", count))


_other = jobs.alias("other")
_RUNNING_THERE = (
    select(func.count())
    .where(_other.c.status == RUNNING, _other.c.repo_id == repos.c.id, _other.c.agent != NO_AGENT)
    .correlate(repos)
    .scalar_subquery()
)
_ROOM = case((repos.c.wip_limit.is_(None), null()), else_=repos.c.wip_limit - _RUNNING_THERE)
_HAS_FILES = exists().where(attachments.c.card_id == jobs.c.card_id).label("has_files")
# An outer join, though every job has a repository: the jobs are to be looked up first, in their order.
_FIRST_OF_AGENT = (
    select(*_JOB, *_REPO, _HAS_FILES, _ROOM.label("room"))
    .outerjoin_from(jobs, repos, jobs.c.repo_id == repos.c.id)
    .where(jobs.c.status == QUEUED, jobs.c.agent == bindparam("agent"))
    .order_by(*turn(jobs))
    .limit(bindparam("count", type_=Integer))
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


def find_claimants(tx: Tx, claims: Sequence[tuple[str, str]]) -> list[Claimant]:
    """Who claims, by instance and claim, none of which is there twice."""
    count = width(len(claims))
    instances, ids = zip(*claims, strict=True)
    claim_ids = keys_of("claim", ids, count)
    found: dict[str, RunnerRow] = {}
    led_to: dict[str, AttemptRow] = {}
    checks_wait = again = False
    for row in tx.execute(
        _claimants(count), {**keys_of("instance", instances, count), **claim_ids}
    ):
        runner = RunnerRow(*row[: len(_RUNNER)])
        found[runner.instance_id] = runner
        checks_wait, again = bool(row.checks_wait), bool(row.again)
    if again:
        for row in tx.execute(_attempts(count), claim_ids):
            led_to[row.claim_id] = AttemptRow(**row._mapping)
    return [Claimant(found.get(instance), led_to.get(id_), checks_wait) for instance, id_ in claims]


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


class Turns:
    """The jobs whose turn it is, for so many runners that ask together, one after the other.

    The heads of an agent's jobs are read once. What was taken of them is not in the database yet: before
    it is asked again ``settle`` is called, and has to write that.
    """

    def __init__(
        self, tx: Tx, count: int, rooms: Mapping[str, int], settle: Callable[[], None]
    ) -> None:
        """``rooms``: of how many more jobs each agent that has a limit may run."""
        self._tx = tx
        self._count = count
        self._settle = settle
        self._heads: dict[str, list[Turn]] = {}
        self._taken: set[str] = set()
        self._agent_rooms = dict(rooms)
        self._repo_rooms: dict[str, int] = {}

    def take(self, agents: Iterable[str], scope: Scope) -> Turn | None:
        """The job whose turn it is among those of these agents, in the repositories of the scope. Limits
        do not hold checks."""
        firsts = [first for agent in agents if (first := self._first(agent, scope)) is not None]
        best = min(firsts, key=lambda t: (-t.job.priority, t.job.position, t.job.id), default=None)
        if best is not None:
            self._note(best.job)
        return best

    def _note(self, job: JobRow) -> None:
        self._taken.add(job.id)
        if job.agent == CHECKS:
            return
        for rooms, key in ((self._agent_rooms, job.agent), (self._repo_rooms, job.repo_id)):
            if key in rooms:
                rooms[key] -= 1

    def _first(self, agent: str, scope: Scope) -> Turn | None:
        if agent != CHECKS and self._agent_rooms.get(agent, 1) <= 0:
            return None
        heads = self._heads.get(agent)
        if heads is None:
            heads = self._heads[agent] = self._read_heads(agent)
        for head in heads:
            if head.job.id not in self._taken and self._is_for(head, scope):
                return head
        if len(heads) < self._count:
            return None  # there are no others
        self._settle()
        return _first_elsewhere(self._tx, agent, scope)

    def _is_for(self, head: Turn, scope: Scope) -> bool:
        has_room = head.job.agent == CHECKS or self._repo_rooms.get(head.repo.id, 1) > 0
        return has_room and scope.has(head.repo)

    def _read_heads(self, agent: str) -> list[Turn]:
        self._settle()
        heads = []
        seen: dict[str, RepoRow] = {}  # most are of the same few
        for row in self._tx.execute(_FIRST_OF_AGENT, {"agent": agent, "count": self._count}):
            job = JobRow(*row[: len(_JOB)])
            repo = seen.get(job.repo_id)
            if repo is None:
                repo = seen[job.repo_id] = RepoRow(*row[len(_JOB) : -2])
                if row.room is not None:
                    self._repo_rooms[repo.id] = row.room
            heads.append(Turn(job, repo, bool(row.has_files)))
        return heads


def _first_elsewhere(tx: Tx, agent: str, scope: Scope) -> Turn | None:
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
