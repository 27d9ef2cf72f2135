"""Wrong passwords in a row, known devices and breaches of an account; its live sessions by index.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("failed_logins", "failed_device_logins"):
        op.add_column("users", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    decoys = op.create_table(
        "failure_decoys",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("slot", name="pk_failure_decoys"),
    )
    op.bulk_insert(decoys, [{"slot": slot} for slot in range(256)])
    op.add_column(
        "users", sa.Column("known_devices", JSON, nullable=False, server_default=sa.text("'[]'"))
    )
    # The few sessions of somebody that live, among all that have ended.
    op.create_index(
        "ix_sessions_user_id_id_live",
        "sessions",
        ["user_id", "id"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("users", sa.Column("breach_noticed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_index("ix_sessions_user_id_id_live", "sessions")
    op.drop_column("users", "known_devices")
    op.drop_column("users", "breach_noticed_at")
    op.drop_table("failure_decoys")
    for name in ("failed_device_logins", "failed_logins"):
        op.drop_column("users", name)
