"""saved views: named filters of a board"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("repo_id", sa.String(36), nullable=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.String(500), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name="fk_saved_views_repo_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("repo_id", "name", name="uq_saved_views_repo_id_name"),
    )
    op.create_index(
        "uq_saved_views_of_all",
        "saved_views",
        ["name"],
        unique=True,
        sqlite_where=sa.text("repo_id IS NULL"),
        postgresql_where=sa.text("repo_id IS NULL"),
    )
