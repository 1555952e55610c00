"""imports: repositories fetched from a URL, with their sealed credentials"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column("repos", sa.Column("import_state", sa.String(length=16), nullable=True))
    op.add_column("repos", sa.Column("import_detail", sa.Text(), nullable=True))
    op.add_column("repos", sa.Column("remote_secret", sa.LargeBinary(), nullable=True))
