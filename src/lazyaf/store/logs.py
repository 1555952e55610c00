"""Log entries: one row per batch, a compressed JSON array, read by cursor.

The cost of an append does not depend on the length of the log, and no read ever takes the whole of
it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from lazyaf.domain.errors import NotFound
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

_INSERT = insert(job_logs)
_ADVANCE_ATTEMPT = (
    update(attempts)
    .where(
        attempts.c.lease_hash == bindparam("hash"),
        attempts.c.job_id == bindparam("of_job"),
        attempts.c.state == literal_column("'live'"),
        attempts.c.src_seq == bindparam("stored"),
    )
    .values(src_seq=attempts.c.src_seq + bindparam("count"), contacted=True)
    .returning(attempts.c.attempt)
)
SHOWN = ("phase", "last_action", "usage")
_ADVANCE_JOB = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(
        log_seq=jobs.c.log_seq + bindparam("count"),
        version=jobs.c.version + 1,
        **{n: func.coalesce(bindparam(f"new_{n}", type_=jobs.c[n].type), jobs.c[n]) for n in SHOWN},
    )
    .returning(jobs.c.log_seq)
)
_AFTER = (
    select(job_logs)
    .where(job_logs.c.job_id == bindparam("job_id"), job_logs.c.last_seq > bindparam("after"))
    .order_by(job_logs.c.last_seq)
    .limit(bindparam("limit"))  # a row has one entry at least; a driver may fetch all rows at once
)
_BEFORE = (
    select(job_logs)
    .where(job_logs.c.job_id == bindparam("job_id"), job_logs.c.first_seq < bindparam("before"))
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


def advance_attempt(tx: Tx, job_id: str, lease_hash: str, stored: int, count: int) -> int | None:
    """Count this many entries of the attempt that holds the lease and of which exactly ``stored`` are
    there; its number, or None when there is no such attempt."""
    row = tx.change_one(
        _ADVANCE_ATTEMPT,
        {"of_job": job_id, "hash": lease_hash, "stored": stored, "count": count},
    )
    return None if row is None else int(row.attempt)


def advance_job(tx: Tx, job_id: str, count: int, shown: Mapping[str, Any]) -> int:
    """Count this many entries of the job, and let its card show what of ``phase``, ``last_action`` and
    ``usage`` is given; the number of the last entry."""
    values = {f"new_{name}": shown.get(name) for name in SHOWN}
    row = tx.change_one(_ADVANCE_JOB, {"of_job": job_id, "count": count, **values})
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return int(row.log_seq)


def insert_batch(
    tx: Tx, job_id: str, *, attempt: int, first_seq: int, last_seq: int, codec: str, body: bytes
) -> None:
    """Append a batch of one attempt, numbered from ``first_seq`` to ``last_seq``."""
    tx.execute(
        _INSERT,
        {
            "job_id": job_id,
            "attempt": attempt,
            "first_seq": first_seq,
            "last_seq": last_seq,
            "codec": codec,
            "body": body,
        },
    )


def entries_after(tx: Tx, job_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` entries with a greater ``seq``, oldest first; fewer when they are large, but one
    at least if there is any."""
    after = min(after, SEQ_MAX)
    found: list[dict[str, Any]] = []
    size = 0
    for row in tx.execute(_AFTER, {"job_id": job_id, "after": after, "limit": limit}):
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
    for row in tx.execute(_BEFORE, {"job_id": job_id, "before": before, "limit": limit}):
        body = _body(row)
        batch = _decode(row, body)[: max(0, before - row.first_seq)]
        found = batch[-(limit - len(found)) :] + found
        size += len(body)
        if len(found) >= limit or size >= PAGE_BYTES:
            break
    return found


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
