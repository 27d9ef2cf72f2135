"""The chain of seals over events, its checkpoints and key; events can only be added.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
GUARDED = ("audit_events", "audit_seals", "audit_checkpoints")
# Rows are added and stay. Two things are let through: erasing what is personal in an event (its
# salt goes as well), and the retention, which says so for its transaction.
GUARD = """
CREATE FUNCTION auth_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('auth_service.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_events' THEN
        IF NEW.salt IS NULL AND NEW.ip IS NULL AND NEW.user_agent IS NULL
            AND NEW.request_id IS NULL AND NEW.details = '{}'::jsonb
            AND (NEW.id, NEW.happened_at, NEW.action, NEW.outcome)
                = (OLD.id, OLD.happened_at, OLD.action, OLD.outcome)
            AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id
            AND NEW.subject_id IS NOT DISTINCT FROM OLD.subject_id
            AND NEW.session_id IS NOT DISTINCT FROM OLD.session_id
            AND NEW.client_id IS NOT DISTINCT FROM OLD.client_id
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % can only be added', TG_TABLE_NAME;
END
$$
"""


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("client_id", sa.Uuid()))
    op.add_column("audit_events", sa.Column("salt", sa.LargeBinary()))
    op.create_table(
        "audit_seals",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_seals"),
        sa.UniqueConstraint("event_id", name="uq_audit_seals_event_id"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_checkpoints"),
    )
    op.create_table(
        "audit_keys",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_keys"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(GUARD)
        for table in GUARDED:
            op.execute(
                f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION auth_audit_guard()"
            )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in GUARDED:
            op.execute(f"DROP TRIGGER {table}_guard ON {table}")
        op.execute("DROP FUNCTION auth_audit_guard()")
    for table in ("audit_keys", "audit_checkpoints", "audit_seals"):
        op.drop_table(table)
    op.drop_column("audit_events", "salt")
    op.drop_column("audit_events", "client_id")
