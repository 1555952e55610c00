"""Whoever claims together gets what each would have got alone, whatever waits and whatever holds it back.

One queue, drawn at random, is handed out twice from the same rows: to each ask in a transaction's turn of its
own, and to all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, insert, select

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.runners import PoolKind
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.hand_out_jobs import Ask, hand_out_jobs
from lazyaf.services.supplies import Supplies
from lazyaf.store.engine import writer_engine
from lazyaf.store.tables import (
    attachments,
    attempts,
    cards,
    check_runs,
    jobs,
    repos,
    runners,
)
from lazyaf.store.tables import settings as stored_settings
from lazyaf.store.tx import Tx

NOW = "2026-11-01T12:00:00.000Z"
TOKEN = "token-of-runners"
IMAGE = "tools:1"
SHA = "a" * 40
AGENTS = ("script", "claude")
KEYS = LeaseKeys(b"secret of the tests")
EXAMPLES = 100
WORKERS = 8


@dataclass(frozen=True)
class Waiting:
    """A job in the queue, or one that runs, and which runner had an earlier attempt of it, or has it."""

    repo: int
    agent: str
    priority: int
    position: float
    runs: bool
    has_files: bool
    had_by: int | None


@dataclass(frozen=True)
class Worker:
    """A runner, of a repository's containers perhaps."""

    agents: frozenset[str]
    repo: int | None
    image: str | None
    pool: str
    is_draining: bool


@dataclass(frozen=True)
class Queue:
    """What there is when the runners ask: of each repository its limit and image, and all the rest. An ask is
    of a runner, with the claim by which it came to a job or with a new one."""

    repos: Sequence[tuple[int | None, str | None]]
    jobs: Sequence[Waiting]
    workers: Sequence[Worker]
    agent_limits: dict[str, int]
    is_paused: bool
    supplies: Supplies
    asks: Sequence[tuple[int, str]]


def rarely(value: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*others * 6, value])


@st.composite
def queues(draw: st.DrawFn) -> Queue:
    limits = st.sampled_from([None, None, 1, 2, 3])
    found = draw(st.lists(st.tuples(limits, rarely(IMAGE, None)), min_size=2, max_size=3))
    some_repo = st.integers(0, len(found) - 1)
    waiting = st.builds(
        Waiting,
        repo=some_repo,
        agent=st.sampled_from([*AGENTS * 3, CHECKS]),
        priority=st.integers(0, 2),
        position=st.integers(0, 3).map(float),
        runs=rarely(True, False),
        has_files=st.booleans(),
        had_by=st.none() | st.integers(0, WORKERS - 1),
    )
    worker = st.builds(
        Worker,
        agents=st.sampled_from([frozenset(AGENTS), *(frozenset({a}) for a in AGENTS)]),
        repo=rarely(0, None) | some_repo,
        image=rarely(IMAGE, None),
        pool=st.sampled_from([kind.value for kind in PoolKind]),
        is_draining=rarely(True, False),
    )
    there = draw(st.lists(waiting, min_size=3, max_size=14))
    return Queue(
        repos=found,
        jobs=there,
        workers=draw(st.lists(worker, min_size=WORKERS, max_size=WORKERS)),
        agent_limits=draw(st.dictionaries(st.sampled_from(AGENTS), st.integers(1, 3))),
        is_paused=draw(rarely(True, False)),
        supplies=Supplies(
            own_images=draw(st.booleans()),
            cached=draw(rarely(frozenset({repo_id(0)}), frozenset())),
        ),
        asks=draw(asks_of(there)),
    )


@st.composite
def asks_of(draw: st.DrawFn, there: Sequence[Waiting]) -> Sequence[tuple[int, str]]:
    """Of most runners once, in any order, of some twice; now and then with the claim of somebody else."""
    line = draw(st.permutations(range(WORKERS)))[: draw(st.integers(2, WORKERS))]
    line += draw(st.lists(st.integers(0, WORKERS - 1), max_size=2))
    asks = []
    for place, worker in enumerate(line):
        own = [claim_of(n) for n, job in enumerate(there) if job.had_by == worker]
        claims = [f"new-{place}"] * 3 + own[:1] * 2
        asks.append((worker, draw(rarely(claim_of(0), *claims))))
    return asks


def claim_of(job: int) -> str:
    return f"began-{job}"


def repo_id(number: int) -> str:
    return f"repo-{number}"


def fill(conn: Connection, queue: Queue) -> None:
    """Write it down."""
    times = {"created_at": NOW, "updated_at": NOW}
    values = {"agent_limits": queue.agent_limits, "claims_paused": queue.is_paused}
    for key, value in values.items():
        conn.execute(insert(stored_settings).values(key=key, value=value))
    for number, (limit, image) in enumerate(queue.repos):
        row: dict[str, Any] = {
            "id": repo_id(number),
            "name": repo_id(number),
            "default_branch": "main",
            **times,
        }
        row |= {"settings": {}, "file_settings": {}, "wip_limit": limit, "image": image}
        conn.execute(insert(repos).values(**row))
    for number, worker in enumerate(queue.workers):
        _worker(conn, number, worker)
    for number, job in enumerate(queue.jobs):
        _job(conn, number, job)


def _worker(conn: Connection, number: int, worker: Worker) -> None:
    row = {
        "id": f"runner-{number}",
        "name": f"runner-{number}",
        "instance_id": f"instance-{number}",
        "token_id": TOKEN,
        "pool": worker.pool,
        "isolation": "none",
        "version": "1",
        "agents": [{"name": name} for name in sorted(worker.agents)],
        "labels": [],
        "image": worker.image,
        "repo_id": None if worker.repo is None else repo_id(worker.repo),
        "status": "idle",
        "is_draining": worker.is_draining,
        "last_heartbeat": NOW,
        "created_at": NOW,
        "row_version": 1,
    }
    conn.execute(insert(runners).values(**row))


def _job(conn: Connection, number: int, job: Waiting) -> None:
    card, own, is_check = f"card-{number:02}", f"job-{number:02}", job.agent == CHECKS
    of = {"repo_id": repo_id(job.repo), "priority": job.priority, "position": job.position}
    row = {"id": card, "number": number + 1, "title": card, "status": "in_progress", "job_id": own}
    row |= {
        "labels": [],
        "agent_options": {},
        "conflicts": [],
        "created_at": NOW,
        "updated_at": NOW,
    }
    conn.execute(insert(cards).values(**row, **of))
    row = {"id": own, "card_id": card, "kind": "check" if is_check else "agent", "agent": job.agent}
    row |= {"status": "running" if job.runs else "queued", "request": {}, "created_at": NOW}
    conn.execute(insert(jobs).values(**row, **of, attempt=int(job.had_by is not None)))
    if is_check:
        row = {"job_id": own, "card_id": card, "repo_id": repo_id(job.repo), "state": "queued"}
        shas = dict.fromkeys(("base_sha", "head_sha", "merged_sha", "tree_sha"), SHA)
        conn.execute(insert(check_runs).values(**row, **shas, checks=[], results=[]))
    if job.has_files:
        row = {"id": f"file-{number}", "card_id": card, "name": "a.txt", "media_type": "text/plain"}
        row |= {"size": 1, "sha256": "0" * 64, "created_at": NOW}
        conn.execute(insert(attachments).values(**row))
    if job.had_by is not None:
        row = {"job_id": own, "attempt": 1, "runner_id": f"runner-{job.had_by}", "started_at": NOW}
        row |= {"claim_id": claim_of(number), "state": "live" if job.runs else "lost"}
        conn.execute(insert(attempts).values(**row, lease_hash=own, git_hash=own))


def plain(answer: Any) -> Any:
    if isinstance(answer, Exception):
        return type(answer), str(answer)
    assert is_dataclass(answer)
    assert not isinstance(answer, type)
    return type(answer), asdict(answer)


@dataclass
class Outcome:
    """Everything that came of it."""

    answers: list[Any]
    rows: list[Any]
    told: dict[str, list[Any]]


def outcome(conn: Connection, rounds: Sequence[Sequence[Ask]]) -> Outcome:
    """Of asks that are served in these rounds, which is then undone."""
    undo = conn.begin_nested()
    tx = Tx(conn)
    answers = [plain(answer) for asks in rounds for answer in hand_out_jobs(tx, asks)]
    rows = [
        list(conn.execute(select(table).order_by(*table.primary_key)))
        for table in (jobs, attempts, runners, cards, check_runs)
    ]
    told: dict[str, list[Any]] = {}
    for event in tx.events:
        told.setdefault(event.subject, []).append(event)
    undo.rollback()
    return Outcome(answers, rows, told)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_each_gets_what_it_would_have_got_alone(database_url: URL) -> None:
    engine = writer_engine(database_url)

    @settings(deadline=None, max_examples=EXAMPLES)
    @given(queues())
    def hand_out_twice(queue: Queue) -> None:
        asks = [
            Ask(f"instance-{worker}", TOKEN, claim, KEYS, queue.supplies, NOW)
            for worker, claim in queue.asks
        ]
        with engine.connect() as conn, conn.begin() as transaction:
            fill(conn, queue)
            alone = outcome(conn, [[ask] for ask in asks])
            together = outcome(conn, [asks])
            transaction.rollback()
        assert together == alone

    try:
        hand_out_twice()
    finally:
        engine.dispose()
