"""Passwords guessed at the same moment, over all processes, count each for itself."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from auth_service.db.session import Database
from auth_service.users import change_repository, repository
from auth_service.users.account import ProvenPassword
from tests.conftest import PASSWORD
from tests.races.conftest import Servers

RIGHT = {"email": "ada@example.com", "password": PASSWORD}
WRONG = RIGHT | {"password": "wrong"}
STOP = 10


async def statuses(clients: list[httpx.AsyncClient], body: dict[str, str]) -> list[int]:
    answers = await asyncio.gather(*(one.post("/auth/login", json=body) for one in clients))
    return [answer.status_code for answer in answers]


@pytest.mark.redis
async def test_of_many_parallel_tries_five_are_let_through(new_server: Any, redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        starting = (
            stack.enter_async_context(new_server(AUTH_REDIS_URL=redis_url)) for _ in range(2)
        )
        started = await asyncio.gather(*starting)
        clients = [await stack.enter_async_context(server.client()) for server in started]
        assert sorted(await statuses(clients * 20, WRONG)) == [401] * 5 + [429] * 35


async def test_many_logins_at_once_are_no_guesses(servers: Servers) -> None:
    await servers.first.post("/auth/register", json=RIGHT)
    assert set(await statuses(servers.take(20), RIGHT)) == {200}


async def test_of_many_parallel_tries_the_hard_stop_counts_every_one(
    new_server: Any, database: Database
) -> None:
    limits = {"AUTH_THROTTLE_NETWORK_TRIES": "1000", "AUTH_THROTTLE_ADDRESS_TRIES": "1000"}
    stop = {"AUTH_THROTTLE_HARD_STOP": str(STOP)}
    number = 2 if database.engine.dialect.name == "postgresql" else 1
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(new_server(**limits, **stop)) for _ in range(number))
        started = await asyncio.gather(*starting)
        clients = [await stack.enter_async_context(server.client()) for server in started]
        await clients[0].post("/auth/register", json=RIGHT)
        assert set(await statuses((clients * 20)[: STOP - 1], WRONG)) == {401}
        found = await repository.find_credentials(database, RIGHT["email"])
        assert found is not None
        assert found.failures.of_strangers == STOP - 1
        # A right one among many wrong ones: it is let in only if it came before the stop.
        await statuses((clients * 20)[:20], WRONG)
        assert await statuses(clients, RIGHT) == [401] * len(clients)


async def test_a_right_password_that_was_compared_before_the_stop_comes_too_late_after_it(
    servers: Servers, database: Database
) -> None:
    """The write re-checks what was read: see also the unit test of ``record_login``."""
    await servers.first.post("/auth/register", json=RIGHT)
    found = await repository.find_credentials(database, RIGHT["email"])
    assert found is not None
    proof = ProvenPassword(found.password_hash, by_known_device=False, hard_stop=1)
    async with database.transaction() as db:
        await change_repository.count_failure(db, found.account.id, by_known_device=False)
    async with database.transaction() as db:
        late = await repository.record_login(
            db, found.account.id, proof=proof, new_hash=None, now=found.account.created_at
        )
    assert late is None
