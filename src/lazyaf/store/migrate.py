"""Brings the database to this program's schema, once, at start.

A copy of a SQLite database is kept before anything changes; a database that a newer program has
written is refused instead of guessed at. Alembic does the work in a process of its own: a server
would carry its ten megabytes for good, for the sake of its first second.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from lazyaf.domain.errors import Unavailable
from lazyaf.store.upkeep import BEFORE

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """Every revision of this program, oldest first: their files are numbered."""
    return sorted(path.name.split("_", 1)[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))


def current_revision(url: URL) -> str | None:
    """The revision of a database; None when it is empty. Blocking."""
    engine = create_engine(url)
    try:
        with engine.connect() as conn:
            if not inspect(conn).has_table("alembic_version"):
                return None
            found: str | None = conn.execute(
                text("SELECT version_num FROM alembic_version")
            ).scalar_one_or_none()
            return found
    finally:
        engine.dispose()


def upgrade(url: URL) -> Path | None:
    """Apply what is missing; returns where the copy of the former database is, if one was made.

    Raises `Unavailable` for a schema that this program does not know, or when it fails. Blocking.
    """
    current = current_revision(url)
    known = revisions()
    if current == known[-1]:
        return None
    if current is not None and current not in known:
        raise Unavailable(
            f"The database is at revision {current}, which this version of LazyAF does not know: a "
            "newer one wrote it. Install that version again, or restore a backup from before the "
            "upgrade."
        )
    copy = keep_copy(url, current) if current is not None else None
    _apply_in_child(url)
    return copy


def _apply_in_child(url: URL) -> None:
    # On stdin, since the URL may hold a password.
    done = subprocess.run(
        [sys.executable, "-m", "lazyaf.store.migrate"],
        input=url.render_as_string(hide_password=False),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"The database could not be brought up to date: {last}")


def migrations() -> Config:
    """Alembic's configuration, which lives in code alone."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def apply(url: URL) -> None:
    """Run Alembic's upgrade in this process."""
    from alembic import command

    engine = create_engine(url)
    try:
        config = migrations()
        with engine.begin() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def keep_copy(url: URL, revision: str) -> Path | None:
    """A consistent copy of a SQLite database beside it; None for other databases."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    source = Path(url.database)
    target = source.with_name(f"{source.name}{BEFORE}{revision}")
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    target.chmod(0o600)
    return target


def main() -> None:
    """Upgrade the database whose URL comes on stdin; why not is the last line of stderr."""
    try:
        apply(make_url(sys.stdin.read().strip()))
    except DBAPIError as error:
        sys.exit(f"{error.orig}")


if __name__ == "__main__":
    main()
