"""What the database says of jobs, attempts, logs and the rest: read in one transaction, compared by the
machine with its oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from lazyaf.store.logs import entries_after
from lazyaf.store.tables import (
    attempts,
    cards,
    events,
    intents,
    job_commands,
    job_logs,
    jobs,
    runners,
)

EVERYTHING = (cards, jobs, attempts, job_commands, job_logs, runners, intents)

Log = list[tuple[int, str | None]]
"""What a log holds: the attempt of each entry and its text, None for the server's own."""


@dataclass
class House:
    """Rows by id; attempts by job, in order."""

    jobs: dict[str, Any]
    attempts: dict[str, list[Any]]
    cards: dict[str, Any]
    runners: dict[str, Any]
    logs: dict[str, Log]
    intents: int
    lease: Callable[[Any], str]

    def runner(self, name: str) -> Any | None:
        return next((row for row in self.runners.values() if row.name == name), None)

    @property
    def offered(self) -> set[str]:
        """The agents that runners who take jobs can run."""
        there = (r for r in self.runners.values() if r.status != "offline" and not r.is_draining)
        return {offer["name"] for row in there for offer in row.agents}

    def column(self, repo: str) -> list[str]:
        """The jobs of In Progress, from the top."""
        there = [c for c in self.cards.values() if (c.repo_id, c.status) == (repo, "in_progress")]
        return [card.job_id for card in sorted(there, key=lambda card: (card.position, card.id))]


def look(tx: Any, lease: Callable[[Any], str], known: dict[str, Log]) -> House:
    """Read all of it. ``known`` are the logs as they were, which only grow."""
    by_job: dict[str, list[Any]] = {}
    for row in tx.execute(select(attempts).order_by(attempts.c.job_id, attempts.c.attempt)):
        by_job.setdefault(row.job_id, []).append(row)
    found = {row.id: row for row in tx.execute(select(jobs))}
    return House(
        jobs=found,
        attempts=by_job,
        cards={row.id: row for row in tx.execute(select(cards))},
        runners={row.id: row for row in tx.execute(select(runners))},
        logs={job_id: _log(tx, job_id, row.log_seq, known) for job_id, row in found.items()},
        intents=tx.execute(select(func.count()).select_from(intents)).scalar_one(),
        lease=lease,
    )


def _log(tx: Any, job_id: str, last: int, known: dict[str, Log]) -> Log:
    if len(known.get(job_id, [])) != last:
        entries = entries_after(tx, job_id, 0, 10_000)
        assert [entry["seq"] for entry in entries] == list(range(1, last + 1)), "gapless, in order"
        known[job_id] = [
            (e["attempt"], e["text"] if e["kind"] == "message" else None) for e in entries
        ]
    return list(known.get(job_id, []))


def every_row(tx: Any) -> list[Any]:
    """All there is, to see that something changed nothing."""
    rows = [sorted(map(repr, tx.execute(select(table)))) for table in EVERYTHING]
    return [*rows, tx.execute(select(func.max(events.c.id))).scalar_one()]
