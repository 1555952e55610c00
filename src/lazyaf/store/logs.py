"""Log entries: one row per batch, compressed JSON lines, read by cursor.

The cost of an append does not depend on the length of the log, and no read ever takes the whole of
it (measured in store.md).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from lazyaf.store.tables import job_logs, jobs
from lazyaf.store.tx import Tx

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RAW_BELOW = 200
"""Bytes below which compressing does not pay."""
LEVEL = 3

_INSERT = insert(job_logs)
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


def encode_batch(lines: Sequence[str]) -> tuple[str, bytes]:
    """The codec and the bytes of a batch of JSON lines. Costly: call it outside a transaction."""
    body = "\n".join(lines).encode()
    if len(body) < RAW_BELOW:
        return "raw", body
    return "zstd", zstd.compress(body, LEVEL)


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
    """Up to ``limit`` entries with a greater ``seq``, oldest first."""
    found: list[dict[str, Any]] = []
    for row in tx.execute(_AFTER, {"job_id": job_id, "after": after, "limit": limit}):
        batch = _decode(row)
        skip = max(0, after + 1 - row.first_seq)
        found += batch[skip : skip + limit - len(found)]
        if len(found) >= limit:
            break
    return found


def entries_before(tx: Tx, job_id: str, before: int, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` entries with a smaller ``seq``, the last ones, oldest first."""
    found: list[dict[str, Any]] = []
    for row in tx.execute(_BEFORE, {"job_id": job_id, "before": before, "limit": limit}):
        batch = _decode(row)[: max(0, before - row.first_seq)]
        found = batch[-(limit - len(found)) :] + found
        if len(found) >= limit:
            break
    return found


def log_bytes(tx: Tx, job_id: str) -> int:
    """What a log takes on disk, in bytes."""
    return int(tx.execute(_SIZE, {"job_id": job_id}).scalar_one())


def _decode(row: Any) -> list[dict[str, Any]]:
    """The entries of one row, each with its ``attempt``, and its ``seq`` from its place."""
    body: bytes = zstd.decompress(row.body) if row.codec == "zstd" else row.body
    return [
        {"seq": row.first_seq + index, "attempt": row.attempt, **json.loads(line)}
        for index, line in enumerate(body.decode().split("\n"))
    ]


def logs_ended_before(tx: Tx, before: str, limit: int) -> list[str]:
    """Jobs that were over before this time and whose log is still whole."""
    return [row.job_id for row in tx.execute(_OLD, {"before": before, "limit": limit})]


def remove_log(tx: Tx, job_id: str) -> None:
    """Delete every entry of a job."""
    tx.execute(job_logs.delete().where(job_logs.c.job_id == job_id))
