"""Copies of a whole database, and databases made from them: a SQLite file by its own backup, PostgreSQL
by ``pg_dump`` and ``pg_restore``. Blocking; called by the services of the same names, beside a server
or without one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, MetaData, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from lazyaf.domain.errors import Conflict, Unavailable
from lazyaf.store.engine import sqlite_url

FILES: Final = {"sqlite": "lazyaf.db", "postgresql": "lazyaf.pgdump"}
"""What a copy is called, by the kind of its database."""


def copy_database(url: URL, folder: Path) -> Path:
    """Put a consistent copy of the database into the directory, readable by its owner alone.

    Raises `Unavailable` when it cannot be had, or what was had is damaged.
    """
    target = folder / FILES[url.get_backend_name()]
    target.touch(mode=0o600)
    if url.get_backend_name() == "sqlite":
        _copy_sqlite(Path(url.database or ""), target)
    else:
        _run(["pg_dump", "--format=custom", "--no-password", f"--file={target}"], url)
    return target


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
            # One file, not three: what is opened next makes its own log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"The database {source} cannot be read: {error}.") from None
    require_sound(target)


def require_sound(file: Path) -> None:
    """Look at every page of a SQLite file. Raises `Unavailable` when it is damaged."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            verdict = str(database.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise Unavailable(f"The database {file} is damaged: {verdict}.")


def restore_postgresql(dump: Path, url: URL) -> None:
    """Fill an empty PostgreSQL database with a dump, or leave it empty. Raises `Conflict` when it is
    not empty, `Unavailable`."""
    engine = create_engine(url)
    try:
        tables = inspect(engine).get_table_names()
    except DBAPIError as error:
        raise Unavailable(f"The database cannot be reached: {error.orig}") from None
    finally:
        engine.dispose()
    if tables:
        raise Conflict(
            f"The database {url.database} is not empty, and a restore overwrites nothing. Make a new one "
            "(`createdb`), and name it in LAZYAF_DATABASE_URL.",
            code="not_empty",
        )
    restore = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction"]
    _run([*restore, "--no-password", f"--dbname={url.database}", str(dump)], url)


def empty_postgresql(url: URL) -> None:
    """Take away again what `restore_postgresql` has brought."""
    engine = create_engine(url)
    try:
        with engine.begin() as conn:
            brought = MetaData()
            brought.reflect(conn)
            brought.drop_all(conn)
    finally:
        engine.dispose()


def forget_epoch(url: URL) -> None:
    """Have the next start give the database a new name: what others remember of it is of another life
    (rules.md R11)."""
    engine = create_engine(url)
    try:
        with engine.begin() as conn:
            conn.execute(text("DELETE FROM settings WHERE key = 'epoch'"))
    finally:
        engine.dispose()


def copied_url(folder: Path) -> URL:
    """The database that a copied SQLite file is."""
    return sqlite_url(folder / FILES["sqlite"])


def _run(words: Sequence[str], url: URL) -> None:
    """Run one of PostgreSQL's programs on a database; neither its argv nor a log shows a password."""
    program = words[0]
    if shutil.which(program) is None:
        raise Unavailable(
            f"The database is PostgreSQL, and `{program}` is not installed here. Install its client "
            "programs in the server's version, or take care of the database yourself and let LazyAF do "
            "the rest with --without-database."
        )
    done = subprocess.run(
        words,
        env=_libpq(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip() or "it said nothing"
        raise Unavailable(f"{program} ended with status {done.returncode}: {said[-2_000:]}")


def _libpq(url: URL) -> dict[str, str]:
    """The URL as the variables that PostgreSQL's programs read."""
    query = {name: str(value) for name, value in url.query.items()}
    given = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": str(url.port) if url.port is not None else query.get("port"),
        "PGUSER": url.username,
        "PGPASSWORD": None if url.password is None else str(url.password),
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
        "PGSSLCERT": query.get("sslcert"),
        "PGSSLKEY": query.get("sslkey"),
    }
    return {**os.environ, **{name: value for name, value in given.items() if value is not None}}
