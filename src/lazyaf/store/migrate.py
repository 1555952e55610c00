"""Brings the database to this program's schema, once, at start.

A copy of a SQLite database is kept before anything changes; a database that a newer program has
written is refused instead of guessed at.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, create_engine

from lazyaf.domain.errors import Unavailable


def migrations() -> Config:
    """Alembic's configuration, which lives in code alone."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(url: URL) -> Path | None:
    """Apply what is missing; returns where the copy of the former database is, if one was made.

    Raises `Unavailable` for a schema that this program does not know. Blocking.
    """
    config = migrations()
    script = ScriptDirectory.from_config(config)
    engine = create_engine(url)
    try:
        with engine.connect() as conn:
            current = MigrationContext.configure(conn).get_current_revision()
        if current == script.get_current_head():
            return None
        _refuse_unknown(script, current)
        copy = keep_copy(url, current) if current is not None else None
        with engine.begin() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
        return copy
    finally:
        engine.dispose()


def _refuse_unknown(script: ScriptDirectory, current: str | None) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise Unavailable(
            f"The database is at revision {current}, which this version of LazyAF does not know: a "
            "newer one wrote it. Install that version again, or restore a backup from before the "
            "upgrade."
        )


def keep_copy(url: URL, revision: str) -> Path | None:
    """A consistent copy of a SQLite database beside it; None for other databases."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    source = Path(url.database)
    target = source.with_name(f"{source.name}.before-{revision}")
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    target.chmod(0o600)
    return target
