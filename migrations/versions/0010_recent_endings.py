"""Indexes to find what was ended or revoked in the last minutes.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_sessions_ended_at",
        "sessions",
        ["ended_at"],
        postgresql_where=ENDED,
        sqlite_where=ENDED,
    )
    op.add_column("revoked_tokens", sa.Column("revoked_at", sa.DateTime(timezone=True)))
    op.create_index("ix_revoked_tokens_revoked_at", "revoked_tokens", ["revoked_at"])


def downgrade() -> None:
    op.drop_index("ix_revoked_tokens_revoked_at", "revoked_tokens")
    op.drop_column("revoked_tokens", "revoked_at")
    op.drop_index("ix_sessions_ended_at", "sessions")
