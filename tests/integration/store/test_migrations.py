"""The schema: from nothing, from an older one, never from a newer one, and as the tables say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex

from lazyaf.domain.errors import Unavailable
from lazyaf.store.engine import normalise_url, sqlite_url
from lazyaf.store.migrate import migrations, upgrade
from lazyaf.store.tables import metadata

ON_EXPRESSIONS = {"ix_jobs_queue", "ix_jobs_queue_repo"}
"""Indexes that Alembic cannot compare on SQLite, because they are on an expression."""


def test_the_migrations_make_what_the_tables_say(database_url: URL) -> None:
    engine = create_engine(database_url)
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        differences = [
            found
            for found in compare_metadata(context, metadata)
            if not (
                isinstance(found, tuple)
                and found[0] in {"add_index", "remove_index"}
                and found[1].name in ON_EXPRESSIONS
            )
        ]
        names = {index["name"] for index in inspect(conn).get_indexes("jobs")}
    engine.dispose()
    assert differences == []
    if database_url.get_backend_name() == "postgresql":
        assert names >= ON_EXPRESSIONS


@pytest.mark.parametrize("name", sorted(ON_EXPRESSIONS))
def test_sqlite_has_the_indexes_on_expressions(migrated_file: Path, name: str) -> None:
    [index] = [index for index in metadata.tables["jobs"].indexes if index.name == name]
    wanted = str(CreateIndex(index).compile(dialect=sqlite_dialect()))
    with sqlite3.connect(migrated_file) as conn:
        query = "SELECT sql FROM sqlite_master WHERE name = ?"
        found = conn.execute(query, (name,)).fetchone()
    conn.close()
    assert found == (wanted,)


def test_an_upgraded_database_is_left_alone(database_url: URL) -> None:
    assert upgrade(database_url) is None


def test_a_schema_of_a_newer_program_is_refused(database_url: URL) -> None:
    engine = create_engine(database_url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="9999"):
        upgrade(database_url)
    with engine.connect() as conn:  # and nothing was touched
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_a_copy_is_kept_before_an_upgrade(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "lazyaf.db")
    _at_first_revision(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO settings (key, value) VALUES ('agent', '\"claude\"')"))
    engine.dispose()
    copy = upgrade(url)
    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert old.execute("SELECT key FROM settings").fetchall() == [("agent",)]
    old.close()
    assert upgrade(url) is None


def test_an_upgrade_that_fails_says_why_and_can_be_repeated(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "lazyaf.db")
    _at_first_revision(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE job_logs ADD COLUMN attempt INTEGER"))
    with pytest.raises(Unavailable, match="duplicate column"):
        upgrade(url)
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE job_logs DROP COLUMN attempt"))
    engine.dispose()
    assert upgrade(url) is not None


def test_tokens_survive_their_table_being_made_anew(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "lazyaf.db")
    _at_first_revision(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text(_TOKEN.format(kind="person")))
    upgrade(url)
    with engine.connect() as conn:
        kept = conn.execute(text("SELECT id, kind, hash, expires_at FROM tokens")).all()
    engine.dispose()
    assert [tuple(row) for row in kept] == [("person", "person", "hash of person", None)]


def test_who_was_started_first_stays_first_and_limits_are_kept(tmp_path: Path) -> None:
    """Before, the order was that of the ids, and columns had the newest card on top."""
    url = sqlite_url(tmp_path / "lazyaf.db")
    _at_first_revision(url)
    engine = create_engine(url)
    times = "'2026-11-01T12:00:00.000Z', '2026-11-01T12:00:00.000Z'"
    with engine.begin() as conn:
        for repo, person, file in (
            ("a", "{}", "{}"),
            ("b", '{"wip_limit": 1}', '{"wip_limit": 2}'),
            ("c", '{"wip_limit": 3}', "{}"),
        ):
            conn.exec_driver_sql(
                "INSERT INTO repos (id, name, default_branch, is_ingested, is_deleting, settings,"
                " file_settings, next_number, version, created_at, updated_at) "
                f"VALUES ('{repo}', '{repo}', 'main', 1, 0, '{person}', '{file}', 1, 1, {times})"
            )
        for number, status in enumerate(("queued", "failed", "running", "queued")):
            conn.exec_driver_sql(
                "INSERT INTO cards (id, repo_id, number, title, description, status, position,"
                " labels, priority, agent_options, no_changes, conflicts, rejections, version,"
                f" created_at, updated_at) VALUES ('card{number}', 'a', {number}, 't', '',"
                f" 'in_progress', {-number}, '[]', 0, '{{}}', 0, '[]', 0, 1, {times})"
            )
            conn.exec_driver_sql(
                "INSERT INTO jobs (id, repo_id, card_id, kind, status, agent, request, priority,"
                " attempt, spent, cancel_requested, log_seq, version, created_at) VALUES"
                f" ('job{number}', 'a', 'card{number}', 'agent', '{status}', 'script', '{{}}', 0,"
                " 0, 0, 0, 0, 1, 'now')"
            )
    upgrade(url)
    with engine.connect() as conn:
        placed = conn.exec_driver_sql(
            "SELECT cards.id, cards.position, jobs.position FROM jobs JOIN cards"
            " ON cards.id = jobs.card_id WHERE jobs.status <> 'failed' ORDER BY jobs.position"
        ).all()
        limits = conn.exec_driver_sql("SELECT id, wip_limit FROM repos ORDER BY id").all()
    engine.dispose()
    assert [tuple(row) for row in placed] == [
        ("card0", 0.0, 0.0),
        ("card2", 1024.0, 1024.0),
        ("card3", 2048.0, 2048.0),
    ]
    assert [tuple(row) for row in limits] == [("a", None), ("b", 2), ("c", 3)]


def test_columns_of_all_repositories_get_one_scale(tmp_path: Path) -> None:
    """Before, each repository had its own, so that cards of two stood at the same position."""
    url = sqlite_url(tmp_path / "lazyaf.db")
    _at_first_revision(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        for repo in ("a", "b"):
            conn.exec_driver_sql(
                "INSERT INTO repos (id, name, default_branch, is_ingested, is_deleting, settings,"
                " file_settings, next_number, version, created_at, updated_at) "
                f"VALUES ('{repo}', '{repo}', 'main', 1, 0, '{{}}', '{{}}', 1, 1, 'now', 'now')"
            )
            for number, position in ((1, 0.0), (2, -1024.0)):
                conn.exec_driver_sql(
                    "INSERT INTO cards (id, repo_id, number, title, description, status, position,"
                    " labels, priority, agent_options, no_changes, conflicts, rejections, version,"
                    f" created_at, updated_at) VALUES ('{repo}{number}', '{repo}', {number}, 't',"
                    f" '', 'todo', {position}, '[]', 0, '{{}}', 0, '[]', 0, 1, 'now', 'now')"
                )
    upgrade(url)
    with engine.connect() as conn:
        placed = conn.exec_driver_sql("SELECT id, position FROM cards ORDER BY position").all()
    engine.dispose()
    assert [tuple(row) for row in placed] == [
        ("a2", 0.0),
        ("b2", 1024.0),
        ("a1", 2048.0),
        ("b1", 3072.0),
    ]


def test_a_token_is_of_a_known_kind(database_url: URL) -> None:
    engine = create_engine(database_url)
    with engine.begin() as conn:
        for kind in ("person", "session", "runner"):
            conn.execute(text(_TOKEN.format(kind=kind)))
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(text(_TOKEN.format(kind="god")))
    engine.dispose()


_TOKEN = (
    "INSERT INTO tokens (id, kind, name, hash, created_at) "
    "VALUES ('{kind}', '{kind}', 'name', 'hash of {kind}', '2026-11-01T12:00:00.000Z')"
)


def _at_first_revision(url: URL) -> None:
    config = migrations()
    engine = create_engine(url)
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
    engine.dispose()


def test_urls_as_people_write_them() -> None:
    assert normalise_url("postgresql://u@h/d").drivername == "postgresql+psycopg"
    assert normalise_url("sqlite:///x").drivername == "sqlite"
