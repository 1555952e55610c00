"""tokens of containers: good for one registration of one runner"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("for_runner", sa.String(length=64), nullable=True))
    op.add_column("tokens", sa.Column("instance_id", sa.String(length=64), nullable=True))
