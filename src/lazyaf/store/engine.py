"""Makes the writer's and the readers' engines, by the recipe of rules.md R6.

SQLite: the driver in autocommit, ``BEGIN IMMEDIATE`` for the one writer and a deferred, query-only
``BEGIN`` for readers; WAL, synchronous FULL, foreign keys, busy time-out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool, StaticPool

READERS = 4
"""Reader threads, and so reader connections."""

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -16000",
    "PRAGMA mmap_size = 134217728",
    "PRAGMA temp_store = MEMORY",
)


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file."""
    return URL.create("sqlite+pysqlite", database=str(path))


def normalise_url(url: str) -> URL:
    """A database URL as people write it; ``postgresql://`` means psycopg 3."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def writer_engine(url: URL) -> Engine:
    """An engine of one connection whose transactions take the write lock at once."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    engine = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    _configure_sqlite(engine, begin="BEGIN IMMEDIATE", query_only=False)
    return engine


def reader_engine(url: URL) -> Engine:
    """An engine of `READERS` connections that cannot write."""
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=READERS,
            max_overflow=0,
            pool_pre_ping=True,
            execution_options={
                "isolation_level": "REPEATABLE READ",
                "postgresql_readonly": True,
            },
        )
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    _configure_sqlite(engine, begin="BEGIN", query_only=True)
    return engine


def _configure_sqlite(engine: Engine, *, begin: str, query_only: bool) -> None:
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        cursor = dbapi_connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        if query_only:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    def do_begin(dbapi_connection: Any) -> None:
        dbapi_connection.cursor().execute(begin)

    event.listen(engine, "connect", on_connect)
    # Not a listener: with one, every statement asks whether somebody listens to it, a tenth of its cost.
    engine.dialect.do_begin = do_begin  # type: ignore[method-assign]
