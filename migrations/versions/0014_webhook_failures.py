"""Where a delivery goes, and since when an endpoint takes none.

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LEASED = sa.text("leased_until IS NOT NULL")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("destination", sa.Uuid()))
    op.create_index(
        "ix_outbox_leased_until",
        "outbox",
        ["leased_until"],
        postgresql_where=_LEASED,
        sqlite_where=_LEASED,
    )
    op.add_column("webhook_endpoints", sa.Column("failing_since", sa.DateTime(timezone=True)))
    op.add_column("webhook_endpoints", sa.Column("retry_at", sa.DateTime(timezone=True)))
    op.add_column(
        "webhook_endpoints",
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "failures")
    op.drop_column("webhook_endpoints", "retry_at")
    op.drop_column("webhook_endpoints", "failing_since")
    op.drop_index("ix_outbox_leased_until", "outbox")
    op.drop_column("outbox", "destination")
