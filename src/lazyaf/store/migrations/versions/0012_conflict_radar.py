"""what cards in review were measured against, and which of them conflict with each other"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cards", sa.Column("base_sha", sa.String(64), nullable=True))
    op.add_column("cards", sa.Column("behind", sa.Integer(), nullable=True))
    op.add_column(
        "cards", sa.Column("conflicts_with", sa.JSON(), server_default="[]", nullable=False)
    )
    op.add_column(
        "cards", sa.Column("uncompared", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_table(
        "head_pairs",
        sa.Column("repo_id", sa.String(length=36), nullable=False),
        sa.Column("one_sha", sa.String(length=64), nullable=False),
        sa.Column("other_sha", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.String(length=64), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_head_pairs_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "one_sha", "other_sha", name=op.f("pk_head_pairs")),
    )
