"""images that repositories name, and runners of such an image"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("repos", sa.Column("image", sa.String(255), nullable=True))
    op.add_column("runners", sa.Column("image", sa.String(255), nullable=True))
