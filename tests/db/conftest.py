"""A database with a table of the tests' own, which has a column of every kind that is in use."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
)

from auth_service.db.base import JsonDocument, UtcDateTime
from auth_service.db.session import Database
from tests.conftest import settings_for

metadata = MetaData()
samples = Table(
    "samples",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("name", String(100)),
    Column("seen_at", UtcDateTime()),
    Column("document", JsonDocument),
    Column("good", Boolean()),
    Column("counter", BigInteger()),
    Column("content", LargeBinary()),
    Column("parent_id", ForeignKey("samples.id", deferrable=True, initially="DEFERRED")),
)


@pytest.fixture
async def new_database(database_url: str) -> AsyncIterator[Callable[..., Database]]:
    """Open the test's database, with settings of one's own."""
    async with AsyncExitStack() as opened:

        def new(**changes: Any) -> Database:
            database = Database.from_settings(settings_for(database_url, **changes))
            opened.push_async_callback(database.close)
            return database

        yield new


@pytest.fixture
async def database(new_database: Callable[..., Database]) -> AsyncIterator[Database]:
    """The test's database, with the table of samples, empty."""
    found = new_database()
    async with found.engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    yield found
    async with found.engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
