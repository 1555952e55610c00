"""archived cards, and one scale of positions for the columns of all repositories"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STEP = 1024.0


def upgrade() -> None:
    op.add_column("cards", sa.Column("archived_at", sa.String(32), nullable=True))
    op.create_index("ix_cards_column", "cards", ["status", "position"])
    for status in ("todo", "in_review", "done", "failed"):  # In Progress is on one scale already
        _respace(status)


def _respace(status: str) -> None:
    """Each repository had a scale of its own, so that their cards stood at the same positions."""
    cards = sa.table("cards", sa.column("id"), sa.column("status"), sa.column("position"))
    ordered = sa.select(cards.c.id).where(cards.c.status == status)
    conn = op.get_bind()
    ids = [row.id for row in conn.execute(ordered.order_by(cards.c.position, cards.c.id))]
    if ids:
        conn.execute(
            sa.update(cards)
            .where(cards.c.id == sa.bindparam("card_id"))
            .values(position=sa.bindparam("new_position")),
            [{"card_id": one, "new_position": index * STEP} for index, one in enumerate(ids)],
        )
