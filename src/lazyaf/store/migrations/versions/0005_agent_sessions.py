"""agent sessions: where the conversation of a card's agent is kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "agent_sessions",
        sa.Column("card_id", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("repo_id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=200), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("kept_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_id"],
            ["cards.id"],
            name=op.f("fk_agent_sessions_card_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repos.id"],
            name=op.f("fk_agent_sessions_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("card_id", "agent", name=op.f("pk_agent_sessions")),
    )
