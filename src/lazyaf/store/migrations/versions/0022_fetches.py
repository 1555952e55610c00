"""when a repository was last fetched from its remote, and what that brought"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("repos", sa.Column("fetched_at", sa.String(length=32), nullable=True))
    op.add_column("repos", sa.Column("fetch_result", sa.Text(), nullable=True))
