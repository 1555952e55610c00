"""Makes the writer's and the readers' engines, by the recipe of rules.md R6.

SQLite: the driver in autocommit, ``BEGIN IMMEDIATE`` for the one writer and a deferred, query-only
``BEGIN`` for readers; WAL, synchronous FULL, foreign keys, busy time-out.
"""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from lazyaf.domain.errors import Unavailable
from lazyaf.store.json_text import read_json

WRITER_LOCK: Final = 0x1A2AF3E
"""The session advisory lock of the one connection that writes, on PostgreSQL."""
PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""How long a PostgreSQL server is waited for that does not answer: seconds, the last milliseconds."""
SQLITE_AWAY: Final = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_READONLY",
)
"""How the names of such errors of SQLite begin."""
FULL: Final = ("SQLITE_FULL", "53100")
"""What SQLite and PostgreSQL call a full disk."""

IDLE_S = 1.0
"""How long a connection to PostgreSQL is taken for alive after it was used."""

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


def is_away(error: DBAPIError) -> bool:
    """Whether the database cannot be used at the moment, whatever is asked of it: its server is away, its
    disk is full, somebody else has locked it."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "").startswith(SQLITE_AWAY)
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def is_full(error: DBAPIError) -> bool:
    """Whether the database's disk takes nothing more."""
    name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return name in FULL


def is_forbidden(error: DBAPIError) -> bool:
    """Whether a reader's connection was asked to write, on SQLite."""
    return getattr(error.orig, "sqlite_errorname", "") == "SQLITE_READONLY"


def writer_engine(url: URL) -> Engine:
    """An engine of one connection whose transactions take the write lock at once.

    On PostgreSQL the connection holds `WRITER_LOCK`, also when it is a new one: while the database was
    away, another server may have begun to use it (rules.md R18).
    """
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            json_deserializer=read_json,
            connect_args=PATIENCE,
        )
        event.listen(engine, "connect", _lock_for_writing)
        _ask_whether_idle_ones_live(engine)
        return engine
    engine = create_engine(
        url,
        poolclass=StaticPool,
        json_deserializer=read_json,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    _configure_sqlite(engine, begin="BEGIN IMMEDIATE", query_only=False)
    return engine


def reader_engine(url: URL) -> Engine:
    """An engine of `READERS` connections that cannot write."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            pool_size=READERS,
            max_overflow=0,
            json_deserializer=read_json,
            connect_args=PATIENCE,
            execution_options={
                "isolation_level": "REPEATABLE READ",
                "postgresql_readonly": True,
            },
        )
        _ask_whether_idle_ones_live(engine)
        return engine
    engine = create_engine(
        url,
        poolclass=QueuePool,
        json_deserializer=read_json,
        pool_size=READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    _configure_sqlite(engine, begin="BEGIN", query_only=True)
    return engine


def _ask_whether_idle_ones_live(engine: Engine) -> None:
    """The pool's ``pre_ping``, but not of a connection that was used a moment ago: under load it would be one
    way to the database more for each transaction, to learn what the transaction itself tells."""

    def note(_dbapi_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def ask(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", math.inf) < IDLE_S:
            return
        try:
            engine.dialect.do_ping(dbapi_connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("The connection is gone.") from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ask)


def _lock_for_writing(dbapi_connection: Any, _record: Any) -> None:
    with dbapi_connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({WRITER_LOCK})")
        (is_ours,) = cursor.fetchone()
    dbapi_connection.rollback()  # the lock is the session's and stays
    if not is_ours:
        raise Unavailable(
            "Another LazyAF server has begun to use this database. Stop it, or this one."
        )


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
