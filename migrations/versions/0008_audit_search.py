"""Indexes to search events by.

Revision: 0008, after 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = (("actor_id", "id"), ("action", "id"), ("happened_at",))


def upgrade() -> None:
    for columns in INDEXES:
        op.create_index(f"ix_audit_events_{'_'.join(columns)}", "audit_events", list(columns))


def downgrade() -> None:
    for columns in reversed(INDEXES):
        op.drop_index(f"ix_audit_events_{'_'.join(columns)}", "audit_events")
