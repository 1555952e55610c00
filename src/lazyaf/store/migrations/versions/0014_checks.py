"""checks: jobs of their own kind, what came of them, and approved cards that wait to be merged"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = "kind IN ('agent', 'check')"
STATUSES = "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')"
STOP_REASONS = (
    "stop_reason IN ('finished', 'no_changes', 'agent_failed', 'setup_failed', 'push_rejected', "
    "'timed_out', 'stalled', 'cancelled', 'runner_lost', 'out_of_memory', 'budget_exceeded', "
    "'checks_failed')"
)
STATES = "state IN ('queued', 'running', 'passed', 'failed', 'broken', 'cancelled')"
OPEN = "status IN ('queued', 'running')"


def upgrade() -> None:

    op.add_column("cards", sa.Column("checks", sa.JSON(), nullable=True))
    op.add_column("cards", sa.Column("merge_state", sa.JSON(), nullable=True))
    op.add_column(
        "cards", sa.Column("fix_rounds", sa.Integer(), server_default="0", nullable=False)
    )
    _widen_jobs()
    _make_check_runs()
    _make_queued_merges()


def _widen_jobs() -> None:
    """The indexes go first and are made anew: those of expressions would be lost on SQLite, where the
    table is made anew, and its checks are not taken along."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name in ("ix_jobs_queue", "ix_jobs_queue_repo", "ix_jobs_running", "uq_jobs_open_card"):
        op.drop_index(name, table_name="jobs")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        if not is_sqlite:
            batch_op.drop_constraint(op.f("ck_jobs_kind"), type_="check")
            batch_op.drop_constraint(op.f("ck_jobs_stop_reason"), type_="check")
        else:
            batch_op.create_check_constraint(op.f("ck_jobs_status"), STATUSES)
        batch_op.create_check_constraint(op.f("ck_jobs_kind"), KINDS)
        batch_op.create_check_constraint(op.f("ck_jobs_stop_reason"), STOP_REASONS)
    turn = (sa.text("priority DESC"), "position", "id")
    _index("ix_jobs_queue", "agent", *turn, "repo_id")
    _index("ix_jobs_queue_repo", "repo_id", "agent", *turn)
    _index("ix_jobs_running", "repo_id", "agent", where="status = 'running'")
    _index("uq_jobs_open_card", "card_id", "kind", where=OPEN, unique=True)


def _index(
    name: str, *columns: str | sa.TextClause, where: str = "status = 'queued'", unique: bool = False
) -> None:
    those = sa.text(where)
    op.create_index(
        name, "jobs", columns, unique=unique, sqlite_where=those, postgresql_where=those
    )


def _make_check_runs() -> None:
    op.create_table(
        "check_runs",
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("card_id", sa.String(36), nullable=False),
        sa.Column("repo_id", sa.String(36), nullable=False),
        sa.Column("base_sha", sa.String(64), nullable=False),
        sa.Column("head_sha", sa.String(64), nullable=False),
        sa.Column("merged_sha", sa.String(64), nullable=False),
        sa.Column("tree_sha", sa.String(64), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_check_runs_state")),
        _owned("check_runs", "job_id", "jobs"),
        _owned("check_runs", "card_id", "cards"),
        _owned("check_runs", "repo_id", "repos"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_check_runs")),
    )
    op.create_index("ix_check_runs_card", "check_runs", ["card_id", "job_id"])


def _make_queued_merges() -> None:
    op.create_table(
        "queued_merges",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("card_id", sa.String(36), nullable=False),
        sa.Column("repo_id", sa.String(36), nullable=False),
        sa.Column("head_sha", sa.String(64), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        _owned("queued_merges", "card_id", "cards"),
        _owned("queued_merges", "repo_id", "repos"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queued_merges")),
        sa.UniqueConstraint("card_id", name=op.f("uq_queued_merges_card_id")),
    )
    op.create_index("ix_queued_merges_repo", "queued_merges", ["repo_id", "id"])


def _owned(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], ondelete="CASCADE", name=name)
