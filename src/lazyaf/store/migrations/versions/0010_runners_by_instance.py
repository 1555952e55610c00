"""runners are found by their instance, with every claim"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_runners_instance_id", "runners", ["instance_id"])
