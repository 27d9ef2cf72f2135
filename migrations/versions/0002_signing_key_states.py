"""Signing keys that are next, active and retired.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ONE_ACTIVE = sa.text("state = 'active'")
ONE_OF_EACH = sa.text("state IN ('active', 'next')")


def upgrade() -> None:
    op.drop_index("uq_signing_keys_active_algorithm", "signing_keys")
    op.add_column("signing_keys", sa.Column("signs_from", MOMENT, nullable=True))
    op.add_column("signing_keys", sa.Column("token_seconds", sa.Integer(), nullable=True))
    op.add_column("signing_keys", sa.Column("retired_at", MOMENT, nullable=True))
    op.add_column("signing_keys", sa.Column("published_until", MOMENT, nullable=True))
    op.execute("UPDATE signing_keys SET signs_from = created_at, token_seconds = 0")
    with op.batch_alter_table("signing_keys") as table:
        table.alter_column("signs_from", nullable=False)
        table.alter_column("token_seconds", nullable=False)
    op.create_index(
        "uq_signing_keys_algorithm_state",
        "signing_keys",
        ["algorithm", "state"],
        unique=True,
        postgresql_where=ONE_OF_EACH,
        sqlite_where=ONE_OF_EACH,
    )


def downgrade() -> None:
    op.drop_index("uq_signing_keys_algorithm_state", "signing_keys")
    with op.batch_alter_table("signing_keys") as table:
        table.drop_column("published_until")
        table.drop_column("retired_at")
        table.drop_column("token_seconds")
        table.drop_column("signs_from")
    op.create_index(
        "uq_signing_keys_active_algorithm",
        "signing_keys",
        ["algorithm"],
        unique=True,
        postgresql_where=ONE_ACTIVE,
        sqlite_where=ONE_ACTIVE,
    )
