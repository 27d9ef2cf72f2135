"""Noticing a connection pooler that the engine was not made for."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from auth_service.core.errors import ServiceUnavailable
from auth_service.db.engine import engine_for_pooler, is_for_pooler
from auth_service.db.faults import outages_become_unavailable


class UnexpectedPooler(ServiceUnavailable):
    """The database is reached through a connection pooler, and the service was not told.

    In transaction mode statements prepared under a name meet other ones on another server
    connection, which gives wrong results.
    """

    def __init__(self) -> None:
        super().__init__(
            "The database is reached through a connection pooler: set AUTH_DATABASE_POOLER=true."
        )


async def ensure_no_unexpected_pooler(engine: AsyncEngine) -> None:
    """Compare the server process that the connection was promised with the one that answers.

    Raises:
        UnexpectedPooler: they differ, and the engine was not made for that.
        ServiceUnavailable: the database cannot be reached.
    """
    if engine.dialect.name != "postgresql" or is_for_pooler(engine):
        return
    with outages_become_unavailable():
        # Of its own, made for a pooler: one of the engine's may already have met a wrong statement.
        one_off = engine_for_pooler(engine)
        async with one_off.connect() as connection:
            answering = await connection.scalar(text("SELECT pg_backend_pid()"))
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            promised = driver.get_server_pid()
    if answering != promised:
        raise UnexpectedPooler
