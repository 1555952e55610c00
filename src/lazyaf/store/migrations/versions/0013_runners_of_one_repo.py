"""runners that take the jobs of one repository alone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runners", sa.Column("repo_id", sa.String(36), nullable=True))
