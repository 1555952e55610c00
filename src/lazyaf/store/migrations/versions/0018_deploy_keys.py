"""deploy keys of repositories, and the keys of their remotes' hosts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("repos", sa.Column("deploy_key", sa.LargeBinary(), nullable=True))
    op.add_column("repos", sa.Column("deploy_key_public", sa.Text(), nullable=True))
    op.add_column("repos", sa.Column("host_keys", sa.Text(), nullable=True))
