"""Where the retention cut the chain, signed; a narrower way to delete events, none to truncate.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
GUARDED = ("audit_events", "audit_seals", "audit_checkpoints", "audit_cuts")
# Rows are added and stay. Two things are let through: erasing what is personal in an event (its
# salt goes as well), and what the function below deletes, which runs as the owner of the tables.
GUARD = """
CREATE OR REPLACE FUNCTION auth_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('auth_service.retention', true) = 'on'
        AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
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
# The retention. Whoever may call it, and whatever the setting says: nothing of the last week goes.
REMOVE = """
CREATE FUNCTION auth_audit_remove(up_to bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = %s, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM audit_seals JOIN audit_events ON audit_events.id = audit_seals.event_id
        WHERE audit_seals.position <= up_to AND audit_events.happened_at > now() - interval '7 days'
    ) THEN
        RAISE EXCEPTION 'events of the last seven days stay';
    END IF;
    PERFORM set_config('auth_service.retention', 'on', true);
    DELETE FROM audit_events
        WHERE id IN (SELECT event_id FROM audit_seals WHERE position <= up_to);
    DELETE FROM audit_seals WHERE position <= up_to;
    DELETE FROM audit_checkpoints WHERE position < up_to;
    DELETE FROM audit_cuts WHERE position < up_to;
    PERFORM set_config('auth_service.retention', 'off', true);
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "audit_cuts",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_cuts"),
    )
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(GUARD)
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(REMOVE % schema)
    op.execute("REVOKE ALL ON FUNCTION auth_audit_remove(bigint) FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER audit_cuts_guard BEFORE UPDATE OR DELETE ON audit_cuts"
        " FOR EACH ROW EXECUTE FUNCTION auth_audit_guard()"
    )
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_truncation BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION auth_audit_guard()"
        )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in GUARDED:
            op.execute(f"DROP TRIGGER {table}_truncation ON {table}")
        op.execute("DROP TRIGGER audit_cuts_guard ON audit_cuts")
        op.execute("DROP FUNCTION auth_audit_remove(bigint)")
    op.drop_table("audit_cuts")
