"""A database and an open transaction for what is about accounts."""

from collections.abc import AsyncIterator

import pytest

from auth_service.db.session import Database, Transaction
from tests.conftest import settings_for


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database.from_settings(settings_for(database_url))
    yield found
    await found.close()


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Transaction]:
    async with database.transaction() as transaction:
        yield transaction
