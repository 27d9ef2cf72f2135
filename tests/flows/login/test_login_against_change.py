"""A login that began before a change of the account never outlives it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from passlib.hash import bcrypt

from tests.conftest import PASSWORD
from tests.flows.stored_rows import change_users, execute, stored_sessions, stored_users
from tests.flows.watched_hashing import hold_hashing

RIGHT = {"email": "ada@example.com", "password": PASSWORD}
Change = Callable[[FastAPI], Awaitable[None]]


async def _new_password(app: FastAPI) -> None:
    await change_users(app, password_hash=bcrypt.using(rounds=4).hash("a new password"))


async def _no_password(app: FastAPI) -> None:
    await change_users(app, password_hash=None)


async def _disabled(app: FastAPI) -> None:
    await change_users(app, disabled_at=app.state.login._clock.now())


async def _deleted(app: FastAPI) -> None:
    await execute(app, "DELETE FROM users")


async def login_during(app: FastAPI, client: httpx.AsyncClient, change: Change) -> httpx.Response:
    """Log in, and let the change happen while the password is being hashed."""
    scheme = hold_hashing(app)
    try:
        login = asyncio.create_task(client.post("/auth/login", json=RIGHT))
        await scheme.has_begun()
        await change(app)
    finally:
        scheme.let_go.set()
    return await login


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.post("/auth/register", json=RIGHT)
    return client


@pytest.mark.parametrize("change", [_new_password, _no_password, _disabled, _deleted])
async def test_a_login_that_a_change_overtakes_is_refused(
    app: FastAPI, ada: httpx.AsyncClient, change: Change
) -> None:
    answer = await login_during(app, ada, change)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert await stored_sessions(app) == []


async def test_an_upgrade_of_the_hash_never_overwrites_a_new_password(
    app: FastAPI, ada: httpx.AsyncClient
) -> None:
    # The held scheme checks nothing of this hash, so what is held is the making of its successor.
    await change_users(app, password_hash=bcrypt.using(rounds=4).hash(PASSWORD))
    answer = await login_during(app, ada, _new_password)
    assert answer.status_code == 401
    (user,) = await stored_users(app)
    assert bcrypt.verify("a new password", user.password_hash)
    assert user.last_login_at is None


async def test_a_login_that_nothing_overtakes_goes_on(app: FastAPI, ada: httpx.AsyncClient) -> None:
    async def nothing(_: FastAPI) -> None:
        pass

    answer = await login_during(app, ada, nothing)
    assert answer.status_code == 200
    tokens: dict[str, Any] = answer.json()
    assert [str(row.id) for row in await stored_sessions(app)] == [tokens["session_id"]]
