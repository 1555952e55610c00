"""What a database needs beside transactions: its log kept short, and one server at a time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from lazyaf.domain.errors import Conflict

BEFORE: Final = ".before-"
"""Between the name of a database and the revision that a copy of it is at."""
SERVER_LOCK: Final = 0x1A2AF5E
"""The session advisory lock that a server holds on PostgreSQL (rules.md R18)."""


def truncate_wal(url: URL) -> None:
    """Write SQLite's log back into the file and empty it, unless someone reads. Blocking."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    with contextlib.closing(sqlite3.connect(url.database, timeout=0.2)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def wal_bytes(url: URL) -> int:
    """The size of SQLite's log; 0 elsewhere."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return 0
    try:
        return Path(f"{url.database}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def copies(url: URL) -> list[Path]:
    """The copies of a SQLite database that migrations have kept, the oldest schema first."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return []
    file = Path(url.database)
    return sorted(file.parent.glob(f"{file.name}{BEFORE}*"))


@contextmanager
def only_server_on(url: URL) -> Iterator[None]:
    """Hold the database for this server; `Conflict` when another has it. A file needs no lock of
    its own: the data directory's serves."""
    if url.get_backend_name() != "postgresql":
        yield
        return
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            taken = connection.execute(text(f"SELECT pg_try_advisory_lock({SERVER_LOCK})"))
            if not taken.scalar_one():
                raise Conflict(
                    "Another LazyAF server uses this database. Stop it first, or give this one "
                    "another database in LAZYAF_DATABASE_URL.",
                    code="already_running",
                )
            yield
    finally:
        engine.dispose()
