"""Which secrets have signed, and accounts that were never used.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NEVER_USED = sa.text("NOT email_verified AND last_login_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "signing_secrets",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_signing_secrets")),
    )
    op.create_index(
        "ix_users_never_used",
        "users",
        ["created_at"],
        postgresql_where=_NEVER_USED,
        sqlite_where=_NEVER_USED,
    )


def downgrade() -> None:
    op.drop_index("ix_users_never_used", "users")
    op.drop_table("signing_secrets")
