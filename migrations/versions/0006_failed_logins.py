"""Wrong passwords in a row, kept with the account.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("failed_logins", "failed_device_logins"):
        op.add_column("users", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("failed_device_logins", "failed_logins"):
        op.drop_column("users", name)
