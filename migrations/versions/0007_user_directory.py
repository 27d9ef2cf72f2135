"""Indexes to search the list of accounts by.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_users_created_at", "users", ["created_at"])
    op.create_index(
        "ix_users_id_disabled",
        "users",
        ["id"],
        postgresql_where=sa.text("disabled_at IS NOT NULL"),
        sqlite_where=sa.text("disabled_at IS NOT NULL"),
    )
    op.create_index(
        "ix_users_email_key_prefix",
        "users",
        ["email_key"],
        postgresql_ops={"email_key": "varchar_pattern_ops"},
    )
    op.create_index("ix_users_roles", "users", ["roles"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_users_roles", "users")
    op.drop_index("ix_users_email_key_prefix", "users")
    op.drop_index("ix_users_id_disabled", "users")
    op.drop_index("ix_users_created_at", "users")
