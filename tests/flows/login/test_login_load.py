"""While passwords are being hashed: nobody waits for a connection, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.stored_rows import stored_sessions, stored_users
from tests.flows.watched_hashing import HeldScheme, hold_hashing

RIGHT = {"email": "ada@example.com", "password": PASSWORD}


@asynccontextmanager
async def held(app: FastAPI) -> AsyncIterator[HeldScheme]:
    """Hashing that waits until the block ends."""
    scheme = hold_hashing(app)
    try:
        yield scheme
    finally:
        scheme.let_go.set()


@pytest.fixture
def one_connection(new_app: AppFactory) -> AbstractAsyncContextManager[FastAPI]:
    """An app whose pool has a single connection, for which nobody waits long."""
    return new_app(
        database_pool_size=1,
        database_pool_timeout=timedelta(seconds=1),
        hashing_threads=2,
    )


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_login_holds_no_connection_while_it_hashes(
    one_connection: AbstractAsyncContextManager[FastAPI],
) -> None:
    async with one_connection as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        tokens = (await client.post("/auth/login", json=RIGHT)).json()
        async with held(app) as scheme:
            login = asyncio.create_task(client.post("/auth/login", json=RIGHT))
            await scheme.has_begun()
            others = [await client.get("/users/me", headers=bearer(tokens)) for _ in range(3)]
        assert [answer.status_code for answer in others] == [200, 200, 200]
        assert (await login).status_code == 200


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_registration_holds_no_connection_while_it_hashes(
    one_connection: AbstractAsyncContextManager[FastAPI],
) -> None:
    async with one_connection as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        tokens = (await client.post("/auth/login", json=RIGHT)).json()
        async with held(app) as scheme:
            other = RIGHT | {"email": "bob@example.com"}
            registration = asyncio.create_task(client.post("/auth/register", json=other))
            await scheme.has_begun()
            answer = await client.get("/users/me", headers=bearer(tokens))
        assert answer.status_code == 200
        assert (await registration).status_code == 201


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
async def test_whoever_would_wait_too_long_is_turned_away_with_503(
    new_app: AppFactory, path: str
) -> None:
    async with new_app(hashing_threads=1, hashing_queue=0) as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        async with held(app) as scheme:
            login = asyncio.create_task(client.post("/auth/login", json=RIGHT))
            await scheme.has_begun()
            refused = await client.post(path, json=RIGHT | {"email": "bob@example.com"})
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["content-type"] == "application/problem+json"
        assert (await login).status_code == 200
        assert [user.email for user in await stored_users(app)] == ["ada@example.com"]


async def test_a_busy_token_endpoint_says_so_in_the_form_of_oauth(new_app: AppFactory) -> None:
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    async with new_app(hashing_threads=1, hashing_queue=0) as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        async with held(app) as scheme:
            login = asyncio.create_task(client.post("/auth/login", json=RIGHT))
            await scheme.has_begun()
            refused = await client.post("/oauth/token", data=form)
        assert refused.status_code == 503
        assert refused.json()["error"] == "temporarily_unavailable"
        assert int(refused.headers["retry-after"]) >= 1
        assert (await login).status_code == 200
        assert len(await stored_sessions(app)) == 1


async def test_keys_that_were_not_read_at_the_start_are_read_without_waiting_for_oneself(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    # As after a start without the database: the first login reads the keys. With one connection
    # (and SQLite's one write lock) it must not ask for them while it holds that.
    one_connection = {"database_pool_size": 1, "database_pool_timeout": 0.5}
    async with new_app(**one_connection) as app, client_of(app) as client:
        assert (await client.post("/auth/register", json=credentials)).status_code == 201
        app.state.signing_keys._keys = None
        login = await client.post("/auth/login", json=credentials)
        assert login.status_code == 200
        app.state.signing_keys._keys = None
        body = {"refresh_token": login.json()["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 200
