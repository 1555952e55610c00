"""Read a job's log by cursor, forwards and backwards; never the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.jobs import OPEN, JobStatus
from lazyaf.store.jobs import get_job
from lazyaf.store.logs import entries_after, entries_before
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Entries, oldest first. ``is_final``: the job is over, nothing follows ``last_seq``."""

    items: list[dict[str, Any]]
    last_seq: int
    is_final: bool


def read_log(tx: Tx, job_id: str, *, after: int, before: int | None, limit: int) -> LogSlice:
    """Up to ``limit`` entries after a number, or the last ones before another."""
    job = get_job(tx, job_id)
    if before is None:
        items = entries_after(tx, job_id, after, limit)
    else:
        items = entries_before(tx, job_id, before, limit)
    return LogSlice(items, job.log_seq, JobStatus(job.status) not in OPEN)
