"""pull requests: the forge's token, sealed, and how far a card's pull request is"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATES = "pr_state IN ('unknown', 'open', 'draft', 'merged', 'closed')"
FOLLOWED = "pr_state IN ('unknown', 'open', 'draft')"


def upgrade() -> None:
    op.add_column("repos", sa.Column("forge_secret", sa.LargeBinary(), nullable=True))
    # In words of its own: Alembic would make the table anew on SQLite, for the sake of the constraint.
    op.execute(
        "ALTER TABLE cards ADD COLUMN pr_state VARCHAR(8) "
        f"CONSTRAINT ck_cards_pr_state CHECK ({STATES})"
    )
    op.add_column("cards", sa.Column("pr_note", sa.Text(), nullable=True))
    op.execute("UPDATE cards SET pr_state = 'unknown' WHERE pr_url IS NOT NULL")
    op.create_index(
        "ix_cards_followed",
        "cards",
        ["repo_id"],
        sqlite_where=sa.text(FOLLOWED),
        postgresql_where=sa.text(FOLLOWED),
    )
