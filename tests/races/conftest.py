"""Several servers, or one, with real connections to one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import Any

import httpx
import pytest

from auth_service.db.session import Database
from tests.conftest import settings_for


class Servers:
    """Clients of every server; requests go round them."""

    def __init__(self, clients: list[httpx.AsyncClient]) -> None:
        self.clients = clients

    @property
    def first(self) -> httpx.AsyncClient:
        return self.clients[0]

    def take(self, number: int) -> list[httpx.AsyncClient]:
        """A client for each of so many requests, alternating between the servers."""
        return list(islice(cycle(self.clients), number))


@pytest.fixture
async def servers(new_server: Any, database_url: str) -> AsyncIterator[Servers]:
    """Two processes on PostgreSQL, one on SQLite."""
    number = 2 if database_url.startswith("postgresql") else 1
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(new_server()) for _ in range(number))
        started = await asyncio.gather(*starting)
        clients = [await stack.enter_async_context(server.client()) for server in started]
        yield Servers(clients)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own look at the servers' database."""
    found = Database.from_settings(settings_for(database_url))
    yield found
    await found.close()
