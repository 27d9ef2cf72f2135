"""When an account that its holder has deleted is to be removed for good.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("deletion_due_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_users_deletion_due_at",
        "users",
        ["deletion_due_at"],
        postgresql_where=sa.text("deletion_due_at IS NOT NULL"),
        sqlite_where=sa.text("deletion_due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_users_deletion_due_at", "users")
    op.drop_column("users", "deletion_due_at")
