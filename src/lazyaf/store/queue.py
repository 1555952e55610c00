"""The queue: the queued jobs in their order, and where one stands and why. What holds them is in
`lazyaf.store.holds`, what comes next in `lazyaf.store.next_job`.

Each look at the head of the queue is a look into an index, however long the queue is and whoever has
filled it: of one agent (``ix_jobs_queue``), or of one agent in one repository (``ix_jobs_queue_repo``)
when some repository is at its limit. Counting a place reads no more than the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from lazyaf.domain.cards import POSITION_STEP
from lazyaf.domain.queue import HeldBy, Holds, Lane
from lazyaf.store.holds import read_holds
from lazyaf.store.jobs import NO_AGENT, RUNNING
from lazyaf.store.tables import cards, jobs, repos
from lazyaf.store.tx import Tx

# A literal, or PostgreSQL does not use the partial indexes.
QUEUED: ColumnElement[str] = literal_column("'queued'")
_OPEN: ColumnElement[bool] = jobs.c.status.in_(
    (literal_column("'queued'"), literal_column("'running'"))
)


def turn(table: Any) -> tuple[Any, ...]:
    """By what the jobs of one line, in a table or an alias of it, are ordered."""
    return table.c.priority.desc(), table.c.position, table.c.id


_ALL_IN_TURN = (jobs.c.agent != NO_AGENT, *turn(jobs))
"""By what all jobs are ordered: checks go first."""

_WITH_IMAGE = select(repos.c.id).where(repos.c.image.is_not(None))
_WITHOUT_IMAGE = select(repos.c.id).where(
    or_(repos.c.image.is_(None), repos.c.image != bindparam("image"))
)
_OTHERS = select(repos.c.id).where(repos.c.id != bindparam("repo_id"))
_AT_HAND = select(repos.c.id).where(
    # One look into an index for each repository and state, however many jobs there were.
    or_(
        *(
            select(jobs.c.id).where(jobs.c.status == state, jobs.c.repo_id == repos.c.id).exists()
            for state in (QUEUED, RUNNING)
        )
    )
)
_COMING = (
    select(repos.c.image, repos.c.id)
    .join_from(jobs, repos, jobs.c.repo_id == repos.c.id)
    .where(
        jobs.c.status == QUEUED,
        jobs.c.agent.not_in(bindparam("agents", expanding=True)),
        or_(jobs.c.agent == NO_AGENT, jobs.c.repo_id.not_in(bindparam("repos", expanding=True))),
    )
    .order_by(*_ALL_IN_TURN)
)
_FOR_IMAGE = (
    select(jobs.c.id, jobs.c.agent)
    .join_from(jobs, repos, jobs.c.repo_id == repos.c.id)
    .where(jobs.c.status == QUEUED, repos.c.image == bindparam("image"))
    .order_by(jobs.c.id)
)
_LAST_OF_REPO = (
    select(func.max(cards.c.position))
    .where(cards.c.repo_id == repos.c.id, cards.c.status == literal_column("'in_progress'"))
    .correlate(repos)
    .scalar_subquery()
)
_LAST = select(func.max(select(_LAST_OF_REPO.label("last")).select_from(repos).subquery().c.last))


# Which repositories


def repos_of_other_images(tx: Tx, image: str | None) -> frozenset[str]:
    """The repositories whose jobs are not for a container of this image; None is the pool's own."""
    if image is None:
        return frozenset(row.id for row in tx.execute(_WITH_IMAGE))
    return frozenset(row.id for row in tx.execute(_WITHOUT_IMAGE, {"image": image}))


def repos_but(tx: Tx, repo_id: str) -> frozenset[str]:
    """All repositories but this one."""
    return frozenset(row.id for row in tx.execute(_OTHERS, {"repo_id": repo_id}))


def repos_at_hand(tx: Tx) -> frozenset[str]:
    """The repositories of which a job waits or runs."""
    return frozenset(row.id for row in tx.execute(_AT_HAND))


def coming_jobs(tx: Tx, limit: int) -> list[tuple[str | None, str]]:
    """The images (None: the pool's own) and repositories of the next so many jobs whose turn it is and that
    nothing holds, in their order."""
    holds = read_holds(tx)
    if holds.is_shut:
        return []
    without = {"agents": list(holds.full_agents), "repos": list(holds.full_repos)}
    return [(row.image, row.id) for row in tx.execute(_COMING.limit(limit), without)]


def queued_for_image(tx: Tx, image: str, agent: str | None = None) -> list[str]:
    """The queued jobs, of this agent or of any, of the repositories that name this image."""
    found = tx.execute(_FOR_IMAGE, {"image": image})
    return [row.id for row in found if agent in (None, row.agent)]


# The order


def end_of_queue(tx: Tx) -> float:
    """A position behind every card in progress of every repository: who starts last comes last."""
    last = tx.execute(_LAST).scalar_one()
    return 0.0 if last is None else float(last) + POSITION_STEP


def reorder(tx: Tx, card_id: str, **changes: float) -> None:
    """Give the open job of a card, if there is one, its card's new ``position`` or ``priority``. One
    that runs has it too: it may have to wait again."""
    tx.execute(update(jobs).where(jobs.c.card_id == card_id, _OPEN).values(**changes))


# Where one stands


@dataclass(frozen=True, slots=True)
class Standing:
    """A queued job's place, from 1, among those that wait for the same thing, and what holds it."""

    place: int
    held_by: HeldBy | None


QUEUED_COLUMNS: Final = (
    jobs.c.status.label("job_status"),
    jobs.c.agent.label("job_agent"),
    jobs.c.priority.label("job_priority"),
    jobs.c.position.label("job_position"),
)
"""What a row must have beside ``job_id`` and ``repo_id`` for `standing_of` and `standings`."""


@lru_cache(maxsize=2)
def _lane_condition(in_one_repo: bool) -> ColumnElement[bool]:
    conditions = [
        jobs.c.status == QUEUED,
        jobs.c.agent.in_(bindparam("agents", expanding=True)),
        jobs.c.repo_id.not_in(bindparam("without", expanding=True)),
    ]
    if in_one_repo:
        conditions.append(jobs.c.repo_id == bindparam("repo_id"))
    return and_(*conditions)


def _lane_values(lane: Lane) -> dict[str, Any]:
    values = {"agents": list(lane.agents), "without": list(lane.without)}
    return values if lane.repo_id is None else {**values, "repo_id": lane.repo_id}


@lru_cache(maxsize=2)
def _place_statement(in_one_repo: bool) -> Select[Any]:
    """How many of a lane have their turn up to and with this job."""
    priority = bindparam("priority", type_=jobs.c.priority.type)
    position = bindparam("position", type_=jobs.c.position.type)
    return select(func.count()).where(
        _lane_condition(in_one_repo),
        jobs.c.priority >= priority,
        or_(
            jobs.c.priority > priority,
            jobs.c.position < position,
            and_(jobs.c.position == position, jobs.c.id <= bindparam("job_id")),
        ),
    )


@lru_cache(maxsize=2)
def _places_statement(in_one_repo: bool) -> Select[Any]:
    lane = (
        select(jobs.c.id, func.row_number().over(order_by=turn(jobs)).label("place"))
        .where(_lane_condition(in_one_repo))
        .subquery()
    )
    return select(lane).where(lane.c.id.in_(bindparam("ids", expanding=True)))


def standing_of(tx: Tx, job: Any, holds: Holds) -> Standing:
    """Where one queued job stands."""
    lane = holds.lane(job.repo_id, job.job_agent)
    values = {
        "job_id": job.job_id,
        "priority": job.job_priority,
        "position": job.job_position,
        **_lane_values(lane),
    }
    place = tx.execute(_place_statement(lane.repo_id is not None), values).scalar_one()
    return Standing(int(place), holds.over(job.repo_id, job.job_agent))


def standings(tx: Tx, queued: Sequence[Any]) -> dict[str, Standing]:
    """Where each of these queued jobs stands, by job."""
    if not queued:
        return {}
    holds = read_holds(tx)
    lanes: dict[Lane, dict[str, HeldBy | None]] = {}
    for job in queued:
        members = lanes.setdefault(holds.lane(job.repo_id, job.job_agent), {})
        members[job.job_id] = holds.over(job.repo_id, job.job_agent)
    found: dict[str, Standing] = {}
    for lane, members in lanes.items():
        values = {"ids": list(members), **_lane_values(lane)}
        for row in tx.execute(_places_statement(lane.repo_id is not None), values):
            found[row.id] = Standing(row.place, members[row.id])
    return found


def waiting_in(tx: Tx, repo_id: str | None, after: int, limit: int) -> list[Any]:
    """The queued jobs of a repository, or of all, in their order, from after the first ``after`` of them: rows that
    have their ``card_id`` and what `standings` needs."""
    query = (
        select(jobs.c.id.label("job_id"), jobs.c.card_id, jobs.c.repo_id, *QUEUED_COLUMNS)
        .where(jobs.c.status == QUEUED, *([] if repo_id is None else [jobs.c.repo_id == repo_id]))
        .order_by(*_ALL_IN_TURN)
        .offset(after)
        .limit(limit)
    )
    return list(tx.execute(query))
