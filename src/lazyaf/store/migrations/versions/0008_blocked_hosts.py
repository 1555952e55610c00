"""blocked hosts: what a job in a container did not reach"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("blocked_hosts", sa.JSON(none_as_null=True), nullable=True))
