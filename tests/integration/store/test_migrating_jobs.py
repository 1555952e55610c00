"""Jobs and runs of checks survive their tables being made anew, on both databases, with what hangs on them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import IntegrityError

from lazyaf.store.engine import sqlite_url
from lazyaf.store.migrate import migrations, upgrade
from support import postgres

_numbers = itertools.count(1)

ROWS = (
    "INSERT INTO repos (id, name, default_branch, is_ingested, is_deleting, settings, file_settings,"
    " next_number, version, created_at, updated_at) VALUES"
    " ('r', 'r', 'main', true, false, '{}', '{}', 1, 1, 'now', 'now')",
    "INSERT INTO cards (id, repo_id, number, title, description, status, position, labels, priority,"
    " agent_options, no_changes, conflicts, rejections, version, created_at, updated_at) VALUES"
    " ('c', 'r', 1, 't', '', 'in_review', 0, '[]', 0, '{}', false, '[]', 0, 1, 'now', 'now')",
    "INSERT INTO jobs (id, repo_id, card_id, kind, status, agent, request, priority, attempt, spent,"
    " cancel_requested, log_seq, version, created_at) VALUES"
    " ('j1', 'r', 'c', 'agent', 'completed', 'script', '{}', 0, 1, 0, false, 1, 1, 'now'),"
    " ('j2', 'r', 'c', 'check', 'running', 'check', '{}', 0, 1, 0, false, 1, 1, 'now')",
    "INSERT INTO attempts (job_id, attempt, runner_id, claim_id, lease_hash, git_hash, state,"
    " contacted, src_seq, started_at) VALUES ('j2', 1, 'x', 'cl', 'l', 'g', 'live', true, 1, 'now')",
    "INSERT INTO job_logs (job_id, last_seq, first_seq, attempt, codec, body) VALUES"
    " ('j1', 1, 1, 1, 'raw', '')",
    "INSERT INTO check_runs (job_id, card_id, repo_id, base_sha, head_sha, merged_sha, tree_sha,"
    " checks, results, state) VALUES ('j2', 'c', 'r', 'b', 'h', 'm', 't', '[]', '[]', 'running')",
)
JOB = (
    "INSERT INTO jobs (id, repo_id, card_id, kind, status, agent, request, priority, attempt, spent,"
    " cancel_requested, log_seq, version, created_at) VALUES"
    " ('{id}', 'r', {card}, '{kind}', '{status}', '{kind}', '{{}}', 0, 0, 0, false, 0, 1, 'now')"
)


@pytest.fixture
def older(request: pytest.FixtureRequest, tmp_path: Path, dialect: str) -> URL:
    """A database as it was before checks could be without a card, with rows in it."""
    if dialect == "sqlite":
        url = sqlite_url(tmp_path / "lazyaf.db")
    else:
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        url = cluster.create(f"older_{next(_numbers)}")
    engine = create_engine(url)
    config = migrations()
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0022")
    with engine.begin() as conn:
        for statement in ROWS:
            conn.exec_driver_sql(statement)
    engine.dispose()
    return url


def refused(engine: Engine, statement: str) -> bool:
    try:
        with engine.begin() as conn:
            conn.exec_driver_sql(statement)
    except IntegrityError:
        return True
    return False


def test_nothing_is_lost_and_checks_may_be_without_a_card(older: URL) -> None:
    upgrade(older)
    engine = create_engine(older)
    with engine.connect() as conn:
        jobs = conn.exec_driver_sql("SELECT id, card_id, kind FROM jobs ORDER BY id").all()
        assert [tuple(row) for row in jobs] == [("j1", "c", "agent"), ("j2", "c", "check")]
        for table in ("attempts", "job_logs", "check_runs"):
            assert conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1, table
    branch = JOB.format(id="b1", card="NULL", kind="check", status="queued")
    assert not refused(engine, branch)
    assert refused(engine, JOB.format(id="b2", card="NULL", kind="check", status="running"))
    assert not refused(engine, JOB.format(id="b3", card="NULL", kind="check", status="failed"))
    assert refused(engine, JOB.format(id="a1", card="NULL", kind="agent", status="failed"))
    # What was refused before still is.
    assert refused(engine, JOB.format(id="c1", card="'c'", kind="check", status="queued"))
    assert refused(engine, JOB.format(id="c2", card="'c'", kind="other", status="failed"))
    assert refused(engine, JOB.format(id="c3", card="'c'", kind="agent", status="lost"))
    assert refused(engine, JOB.format(id="c4", card="'nobody'", kind="agent", status="failed")) or (
        engine.dialect.name == "sqlite"  # where a connection has to ask for foreign keys
    )
    assert refused(engine, "UPDATE check_runs SET state = 'green'")
    engine.dispose()
