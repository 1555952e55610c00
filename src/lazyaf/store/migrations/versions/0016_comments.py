"""comments of reviews, and where each job's branch stood before it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column("jobs", sa.Column("start_sha", sa.String(64), nullable=True))
    op.create_table(
        "comments",
        sa.Column("card_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("start_line", sa.Integer(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("base_sha", sa.String(64), nullable=False),
        sa.Column("head_sha", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("reply_job_id", sa.String(36), nullable=True),
        sa.Column("reply_seq", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_at", sa.String(32), nullable=True),
        sa.Column("resolved_by", sa.String(120), nullable=True),
        sa.Column("resolved_at", sa.String(32), nullable=True),
        sa.CheckConstraint("side IN ('old', 'new')", name=op.f("ck_comments_side")),
        sa.ForeignKeyConstraint(
            ["card_id"], ["cards.id"], ondelete="CASCADE", name=op.f("fk_comments_card_id")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], ondelete="CASCADE", name=op.f("fk_comments_job_id")
        ),
        sa.PrimaryKeyConstraint("card_id", "number", name=op.f("pk_comments")),
    )
    op.create_index("ix_comments_job", "comments", ["job_id"])
