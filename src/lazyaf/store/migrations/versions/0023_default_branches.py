"""default branches: checks without a card, and how each repository's default branch stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KINDS = "kind IN ('agent', 'check')"
STATUSES = "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')"
STOP_REASONS = (
    "stop_reason IN ('finished', 'no_changes', 'agent_failed', 'setup_failed', 'push_rejected', "
    "'timed_out', 'stalled', 'cancelled', 'runner_lost', 'out_of_memory', 'budget_exceeded', "
    "'checks_failed')"
)
HAS_CARD = "kind = 'check' OR card_id IS NOT NULL"
STATES = "state IN ('queued', 'running', 'passed', 'failed', 'broken', 'cancelled')"
OPEN = "status IN ('queued', 'running')"


def upgrade() -> None:
    _free_jobs_of_cards()
    _free_runs_of_cards()
    op.create_table(
        "default_branches",
        sa.Column("repo_id", sa.String(36), nullable=False),
        sa.Column("branch", sa.String(255), nullable=False),
        sa.Column("sha", sa.String(64), nullable=False),
        sa.Column("checks", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("green_sha", sa.String(64), nullable=True),
        sa.Column("heard_job_id", sa.String(36), nullable=True),
        sa.Column("red_since", sa.String(32), nullable=True),
        sa.Column("red_sha", sa.String(64), nullable=True),
        sa.Column("card_id", sa.String(36), nullable=True),
        sa.Column("card_text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], ondelete="CASCADE", name=op.f("fk_default_branches_repo_id")
        ),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_default_branches")),
    )


def _free_jobs_of_cards() -> None:
    """The indexes go first and are made anew: those of expressions would be lost on SQLite, where the
    table is made anew, and its checks are not taken along."""
    for name in ("ix_jobs_queue", "ix_jobs_queue_repo", "ix_jobs_running", "uq_jobs_open_card"):
        op.drop_index(name, table_name="jobs")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.alter_column("card_id", existing_type=sa.String(36), nullable=True)
        batch_op.create_check_constraint(op.f("ck_jobs_has_card"), HAS_CARD)
        if _is_sqlite():
            batch_op.create_check_constraint(op.f("ck_jobs_status"), STATUSES)
            batch_op.create_check_constraint(op.f("ck_jobs_kind"), KINDS)
            batch_op.create_check_constraint(op.f("ck_jobs_stop_reason"), STOP_REASONS)
    turn = (sa.text("priority DESC"), "position", "id")
    _index("ix_jobs_queue", "jobs", "agent", *turn, "repo_id", where="status = 'queued'")
    _index("ix_jobs_queue_repo", "jobs", "repo_id", "agent", *turn, where="status = 'queued'")
    _index("ix_jobs_running", "jobs", "repo_id", "agent", where="status = 'running'")
    _index("uq_jobs_open_card", "jobs", "card_id", "kind", where=OPEN, unique=True)
    of_branch = f"card_id IS NULL AND {OPEN}"
    _index("uq_jobs_open_branch", "jobs", "repo_id", where=of_branch, unique=True)


def _free_runs_of_cards() -> None:
    with op.batch_alter_table("check_runs", schema=None) as batch_op:
        batch_op.alter_column("card_id", existing_type=sa.String(36), nullable=True)
        if _is_sqlite():
            batch_op.create_check_constraint(op.f("ck_check_runs_state"), STATES)
    op.create_index("ix_check_runs_tree", "check_runs", ["repo_id", "tree_sha", "job_id"])
    _index("ix_check_runs_branch", "check_runs", "repo_id", "job_id", where="card_id IS NULL")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _index(
    name: str, table: str, *columns: str | sa.TextClause, where: str, unique: bool = False
) -> None:
    those = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=those, postgresql_where=those)
