"""Redis is flushed, frozen or gone: guesses are slowed all the same, and nobody is shut out."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, client_of
from tests.faults.redis_server import RedisServer
from tests.flows.login.guesses import ADA, NOBODY, guess, guesses
from tests.flows.people import Person
from tests.flows.stored_rows import stored_users

pytestmark = pytest.mark.redis


@pytest.fixture
async def app(new_app: AppFactory, redis_server: RedisServer) -> AsyncIterator[FastAPI]:
    redis_server.start()
    async with new_app(
        redis_url=redis_server.url,
        redis_timeout=timedelta(seconds=0.05),
        throttle_network_tries=5,
        throttle_hard_stop=8,
    ) as started:
        async with client_of(started) as http:
            await Person(http).register()
        yield started


@pytest.mark.parametrize("fault", ["freeze", "stop"])
async def test_a_lost_redis_is_no_fresh_start(
    app: FastAPI, redis_server: RedisServer, fault: str
) -> None:
    assert await guesses(app, ADA, 5) == [401] * 5
    getattr(redis_server, fault)()
    assert await guesses(app, ADA, 2) == [429] * 2
    if fault == "freeze":
        redis_server.thaw()


@pytest.mark.parametrize("fault", ["freeze", "stop"])
async def test_a_lost_redis_shuts_nobody_out_and_makes_nobody_wait(
    app: FastAPI, redis_server: RedisServer, fault: str
) -> None:
    getattr(redis_server, fault)()
    assert await guesses(app, NOBODY, 6) == [401] * 5 + [429]
    began = time.perf_counter()
    assert (await guess(app, ADA, PASSWORD)).status_code == 200
    assert time.perf_counter() - began < 2
    if fault == "freeze":
        redis_server.thaw()


async def test_a_flushed_redis_takes_nothing_from_the_hard_stop(
    app: FastAPI, redis_server: RedisServer
) -> None:
    assert await guesses(app, ADA, 5) == [401] * 5
    redis_server.client.flushall()
    assert await guesses(app, ADA, 5) == [401] * 5
    [user] = await stored_users(app)
    assert user.failed_logins == 10
    redis_server.client.flushall()
    assert (await guess(app, ADA, PASSWORD)).status_code == 401
