"""the queue by priority, then position: a job has its card's position in the column"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STEP = 1024.0


def upgrade() -> None:

    op.add_column("repos", sa.Column("wip_limit", sa.Integer(), nullable=True))
    _note_limits()
    op.add_column("jobs", sa.Column("position", sa.Float(), server_default="0", nullable=False))
    _keep_the_order()
    op.drop_index("ix_jobs_queue", table_name="jobs")
    op.drop_index("ix_jobs_running", table_name="jobs")
    _index("ix_jobs_queue", "agent", sa.text("priority DESC"), "position", "id", "repo_id")
    _index("ix_jobs_queue_repo", "repo_id", "agent", sa.text("priority DESC"), "position", "id")
    _index("ix_jobs_running", "repo_id", "agent", status="running")


def _index(name: str, *columns: str | sa.TextClause, status: str = "queued") -> None:
    those = sa.text(f"status = '{status}'")
    op.create_index(name, "jobs", columns, sqlite_where=those, postgresql_where=those)


def _note_limits() -> None:
    repos = sa.table(
        "repos",
        sa.column("id"),
        sa.column("settings", sa.JSON),
        sa.column("file_settings", sa.JSON),
        sa.column("wip_limit"),
    )
    conn = op.get_bind()
    for row in conn.execute(sa.select(repos)).all():
        limit = row.file_settings.get("wip_limit") or row.settings.get("wip_limit")
        conn.execute(repos.update().where(repos.c.id == row.id).values(wip_limit=limit))


def _keep_the_order() -> None:
    """Who was started first comes first, as it was; the columns show it so from now on."""
    conn = op.get_bind()
    rows = conn.execute(
        sa.text("SELECT id, card_id FROM jobs WHERE status IN ('queued', 'running') ORDER BY id")
    ).all()
    for place, row in enumerate(rows):
        values = {"position": place * STEP, "job": row.id, "card": row.card_id}
        conn.execute(sa.text("UPDATE jobs SET position = :position WHERE id = :job"), values)
        conn.execute(sa.text("UPDATE cards SET position = :position WHERE id = :card"), values)
