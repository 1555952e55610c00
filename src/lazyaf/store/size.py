"""How large the database is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text

from lazyaf.store.tables import job_logs
from lazyaf.store.tx import Tx

_LOGS: Final = select(func.coalesce(func.sum(func.length(job_logs.c.body)), 0))
_LOGS_POSTGRESQL: Final = text("SELECT pg_total_relation_size('job_logs')")


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """Bytes: of all of it without its write-ahead log, of what is free in it for new rows (0 where
    that is not known), and of the logs of jobs in it."""

    total: int
    reusable: int
    logs: int


def database_size(tx: Tx) -> DatabaseSize:
    """Of this database. A look at each row of the logs, on SQLite."""
    if tx.dialect == "postgresql":
        total = tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return DatabaseSize(int(total), 0, int(tx.execute(_LOGS_POSTGRESQL).scalar_one()))
    page, pages, free = (
        int(tx.execute(text(f"PRAGMA {name}")).scalar_one())
        for name in ("page_size", "page_count", "freelist_count")
    )
    return DatabaseSize(page * pages, page * free, int(tx.execute(_LOGS).scalar_one()))
