"""Log entries: one row per batch, a compressed JSON array, read by cursor.

The cost of an append does not depend on the length of the log, and no read ever takes the whole of
it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, insert, literal_column, select, update

from lazyaf.store.several import is_one_of, keys_of, width
from lazyaf.store.tables import attempts, job_logs, jobs
from lazyaf.store.tx import Tx

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RAW_BELOW = 200
"""Bytes below which compressing does not pay."""
LEVEL = 3
SEQ_MAX = 2**31 - 1
"""The greatest number that the columns hold; PostgreSQL refuses to compare them with a greater one."""

PAGE_BYTES: Final = 2 * 2**20
"""A page ends with the batch that brings it to this size, however few its entries are: one may have
hundreds of kilobytes, and a page is in memory at once, here and in a browser."""
ROWS: Final = 8
"""Rows that are asked for first, then twice as many: PostgreSQL's driver fetches all that a statement finds
before the first can be looked at, and a row has one entry or hundreds."""

_INSERT = insert(job_logs)
SHOWN = ("phase", "last_action", "usage")


@lru_cache(maxsize=8)
def _ends(count: int) -> Select[Any]:
    return (
        select(
            attempts.c.lease_hash,
            attempts.c.job_id,
            attempts.c.attempt,
            attempts.c.src_seq,
            jobs.c.log_seq,
        )
        .join_from(attempts, jobs, jobs.c.id == attempts.c.job_id)
        .where(
            is_one_of(attempts.c.lease_hash, "hash", count),
            attempts.c.state == literal_column("'live'"),
        )
    )


_ADVANCE_ATTEMPT = (
    update(attempts)
    .where(attempts.c.job_id == bindparam("of_job"), attempts.c.attempt == bindparam("of_attempt"))
    .values(src_seq=bindparam("last"), contacted=True)
)
_ADVANCE_JOB = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(
        log_seq=bindparam("last"),
        version=jobs.c.version + 1,
        **{n: func.coalesce(bindparam(f"new_{n}", type_=jobs.c[n].type), jobs.c[n]) for n in SHOWN},
    )
)
_AFTER = (
    select(job_logs)
    .where(job_logs.c.job_id == bindparam("job_id"), job_logs.c.last_seq > bindparam("cursor"))
    .order_by(job_logs.c.last_seq)
    .limit(bindparam("limit"))
)
_BEFORE = (
    select(job_logs)
    .where(job_logs.c.job_id == bindparam("job_id"), job_logs.c.first_seq < bindparam("cursor"))
    .order_by(job_logs.c.last_seq.desc())
    .limit(bindparam("limit"))
)
_SIZE = select(func.coalesce(func.sum(func.length(job_logs.c.body)), 0)).where(
    job_logs.c.job_id == bindparam("job_id")
)


_OLD = (
    select(job_logs.c.job_id)
    .join(jobs, jobs.c.id == job_logs.c.job_id)
    .where(job_logs.c.first_seq == 1, jobs.c.completed_at < bindparam("before"))
    .limit(bindparam("limit"))
)
"""Logs that still begin at their beginning."""


def encode_batch(entries: bytes) -> tuple[str, bytes]:
    """The codec and the bytes to store of a batch, a JSON array. Costly: not in a transaction."""
    if len(entries) < RAW_BELOW:
        return "raw", entries
    return "zstd", zstd.compress(entries, LEVEL)


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Up to where a live attempt (``src_seq``, its own count) and its job's log have come."""

    job_id: str
    attempt: int
    src_seq: int
    log_seq: int


@dataclass(frozen=True, slots=True)
class NewEntries:
    """Entries that follow the end of a job's log: how many, encoded, and what of them its card shows
    (``phase``, ``last_action``, ``usage``)."""

    job_id: str
    attempt: int
    log_seq: int
    count: int
    codec: str
    body: bytes
    shown: Mapping[str, Any]


def find_log_ends(tx: Tx, lease_hashes: Sequence[str]) -> dict[str, LogEnd]:
    """By the lease's hash, for those that are held."""
    count = width(len(lease_hashes))
    rows = tx.execute(_ends(count), keys_of("hash", lease_hashes, count))
    return {
        row.lease_hash: LogEnd(row.job_id, row.attempt, row.src_seq, row.log_seq) for row in rows
    }


def advance_attempts(tx: Tx, ends: Sequence[tuple[LogEnd, int]]) -> None:
    """These attempts have sent so many entries more."""
    rows = [
        {"of_job": end.job_id, "of_attempt": end.attempt, "last": end.src_seq + count}
        for end, count in ends
    ]
    tx.execute(_ADVANCE_ATTEMPT, rows if len(rows) > 1 else rows[0])


def insert_entries(tx: Tx, new: Sequence[NewEntries]) -> None:
    """Append to the logs of jobs, none of which is there twice, and let their cards show it."""
    seen = [
        {
            "of_job": n.job_id,
            "last": n.log_seq + n.count,
            **{f"new_{name}": n.shown.get(name) for name in SHOWN},
        }
        for n in new
    ]
    rows = [
        {
            "job_id": n.job_id,
            "attempt": n.attempt,
            "first_seq": n.log_seq + 1,
            "last_seq": n.log_seq + n.count,
            "codec": n.codec,
            "body": n.body,
        }
        for n in new
    ]
    tx.execute(_ADVANCE_JOB, seen if len(seen) > 1 else seen[0])
    tx.execute(_INSERT, rows if len(rows) > 1 else rows[0])


def entries_after(tx: Tx, job_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` entries with a greater ``seq``, oldest first; fewer when they are large, but one
    at least if there is any."""
    after = min(after, SEQ_MAX)
    found: list[dict[str, Any]] = []
    size = 0
    for row in _rows(tx, _AFTER, job_id, after, limit, "last_seq"):
        body = _body(row)
        batch = _decode(row, body)
        skip = max(0, after + 1 - row.first_seq)
        found += batch[skip : skip + limit - len(found)]
        size += len(body)
        if len(found) >= limit or size >= PAGE_BYTES:
            break
    return found


def entries_before(tx: Tx, job_id: str, before: int, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` entries with a smaller ``seq``, the last ones, oldest first; fewer when they are
    large, but one at least if there is any."""
    before = min(before, SEQ_MAX)
    found: list[dict[str, Any]] = []
    size = 0
    for row in _rows(tx, _BEFORE, job_id, before, limit, "first_seq"):
        body = _body(row)
        batch = _decode(row, body)[: max(0, before - row.first_seq)]
        found = batch[-(limit - len(found)) :] + found
        size += len(body)
        if len(found) >= limit or size >= PAGE_BYTES:
            break
    return found


def _rows(
    tx: Tx, statement: Select[Any], job_id: str, cursor: int, most: int, end: str
) -> Iterator[Any]:
    """The rows from a cursor on, in the statement's order, a few first; ``end`` is the column from which it
    goes on. ``most`` altogether: each row has one entry at least."""
    count = ROWS
    while most > 0:
        values = {"job_id": job_id, "cursor": cursor, "limit": min(count, most)}
        rows = tx.execute(statement, values).all()
        yield from rows
        if len(rows) < count:
            return
        cursor = getattr(rows[-1], end)
        most -= count
        count *= 2


def log_bytes(tx: Tx, job_id: str) -> int:
    """What a log takes on disk, in bytes."""
    return int(tx.execute(_SIZE, {"job_id": job_id}).scalar_one())


def _body(row: Any) -> bytes:
    """The JSON of one row."""
    body: bytes = zstd.decompress(row.body) if row.codec == "zstd" else row.body
    return body


def _decode(row: Any, body: bytes) -> list[dict[str, Any]]:
    """The entries of one row, each with its ``attempt``, and its ``seq`` from its place."""
    if not body.startswith(b"["):  # an earlier version wrote each entry on a line of its own
        body = b"[" + body.replace(b"\n", b",") + b"]"
    return [
        {"seq": seq, "attempt": row.attempt, **entry}
        for seq, entry in enumerate(json.loads(body), row.first_seq)
    ]


def logs_ended_before(tx: Tx, before: str, limit: int) -> list[str]:
    """Jobs that were over before this time and whose log is still whole."""
    return [row.job_id for row in tx.execute(_OLD, {"before": before, "limit": limit})]


def count_logs_ended_before(tx: Tx, before: str) -> int:
    """How many logs that are there were over before this time and are still whole."""
    query = select(func.count()).select_from(_OLD.limit(None).subquery())
    return int(tx.execute(query, {"before": before}).scalar_one())


def remove_log(tx: Tx, job_id: str) -> None:
    """Delete every entry of a job."""
    tx.execute(job_logs.delete().where(job_logs.c.job_id == job_id))
