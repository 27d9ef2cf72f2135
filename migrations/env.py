"""How Alembic runs: on the connection it is given, or, from its own command line, on a new one."""

import asyncio

from alembic import context
from sqlalchemy import Connection

import auth_service.audit.models
import auth_service.clients.models
import auth_service.mail.models
import auth_service.mailed_tokens.models
import auth_service.secret_keys.models
import auth_service.sessions.models
import auth_service.tokens.models
import auth_service.users.models
import auth_service.webhooks.models
from auth_service.db.base import Base
from auth_service.db.engine import new_engine
from auth_service.settings import Settings

# Alembic compares the tables that these modules have registered with the database.
MODELS = (
    auth_service.audit.models,
    auth_service.clients.models,
    auth_service.mail.models,
    auth_service.mailed_tokens.models,
    auth_service.sessions.models,
    auth_service.tokens.models,
    auth_service.users.models,
    auth_service.webhooks.models,
)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_new_connection() -> None:
    engine = new_engine(Settings.load())
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_on_new_connection())
else:
    run(given)
