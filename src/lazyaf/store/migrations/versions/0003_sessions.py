"""sessions: tokens that expire"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    is_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_at", sa.String(length=32), nullable=True))
        if not is_sqlite:  # on SQLite the table is made anew, and a check is not taken along
            batch_op.drop_constraint(op.f("ck_tokens_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_tokens_kind"), "kind IN ('person', 'runner', 'session')"
        )
