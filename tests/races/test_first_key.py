"""Four processes that start together on one database agree on one key."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import func, select

from auth_service.db.session import Database
from auth_service.tokens.models import SigningKey
from tests.conftest import bearer, settings_for


async def test_servers_that_start_together_make_one_key_and_trust_each_other(
    new_server: Any, database_url: str, credentials: dict[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        servers = await asyncio.gather(*(stack.enter_async_context(new_server()) for _ in range(4)))
        clients = [await stack.enter_async_context(server.client()) for server in servers]
        await clients[0].post("/auth/register", json=credentials)
        for client in clients:
            opened = (await client.post("/auth/login", json=credentials)).json()
            for other in clients:
                assert (await other.get("/users/me", headers=bearer(opened))).status_code == 200
    database = Database.from_settings(settings_for(database_url))
    async with database.transaction() as db:
        assert await db.scalar(select(func.count()).select_from(SigningKey)) == 1
    await database.close()
