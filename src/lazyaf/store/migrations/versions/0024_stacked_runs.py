"""runs of checks that try several cards together"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

STACKED = "stack IS NOT NULL"


def upgrade() -> None:
    op.add_column("check_runs", sa.Column("stack", sa.JSON(), nullable=True))
    op.create_index(
        "ix_check_runs_stacked",
        "check_runs",
        ["repo_id", "job_id"],
        sqlite_where=sa.text(STACKED),
        postgresql_where=sa.text(STACKED),
    )
    _name_the_others()


def _name_the_others() -> None:
    """Each card that says where it stands in the merge queue says with whom it is tried: with nobody."""
    cards = sa.table("cards", sa.column("id"), sa.column("merge_state", sa.JSON(none_as_null=True)))
    conn = op.get_bind()
    stated: list[tuple[str, dict[str, Any]]] = [
        (row.id, row.merge_state)
        for row in conn.execute(sa.select(cards).where(cards.c.merge_state.is_not(None)))
    ]
    for card_id, state in stated:
        told = {**state, "together": []}
        conn.execute(sa.update(cards).where(cards.c.id == card_id).values(merge_state=told))
