"""How many statements a request costs: what is fast stays fast."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event

from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.people import Person

pytestmark = pytest.mark.postgresql
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}


class Statements:
    """What PostgreSQL was asked: through SQLAlchemy, or by the driver alone."""

    def __init__(self, engine: Engine) -> None:
        self.texts: list[str] = []
        self.commits = 0
        event.listen(engine, "before_cursor_execute", self._through_sqlalchemy)
        event.listen(engine, "commit", self._committed)
        event.listen(engine, "connect", self._connected)

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[list[str]]:
        """The statements inside the block, but those that begin and end transactions."""
        self.texts.clear()
        self.commits = 0
        found: list[str] = []
        yield found
        await asyncio.sleep(0.01)  # the driver tells in the loop's next turn
        found += self.texts

    def _through_sqlalchemy(self, _: object, __: object, text: str, *___: object) -> None:
        self.texts.append(text)

    def _committed(self, _: object) -> None:
        self.commits += 1

    def _connected(self, connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(self._by_driver)

    def _by_driver(self, query: Any) -> None:
        if query.query.startswith(("SELECT", "UPDATE")):
            self.texts.append(query.query)


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture
def statements(app: FastAPI) -> Statements:
    """Watches every connection, those that are open already included."""
    return Statements(app.state.database.engine.sync_engine)


@pytest.fixture
async def app(new_app: AppFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """One that does nothing beside its requests."""
    monkeypatch.setattr("auth_service.app.background_work", lambda _: [_nothing()])
    async with new_app() as started:
        yield started


async def _nothing() -> None:
    """In place of the background work."""


@pytest.fixture
async def client(app: FastAPI, statements: Statements) -> AsyncIterator[httpx.AsyncClient]:
    await app.state.database.engine.dispose()
    async with client_of(app) as http:
        await Person(http).register()
        await http.post("/auth/login", json=CREDENTIALS)
        http.cookies.clear()
        yield http


async def test_the_current_user_costs_one(
    client: httpx.AsyncClient, statements: Statements
) -> None:
    tokens = (await client.post("/auth/login", json=CREDENTIALS)).json()
    async with statements.counted() as found:
        assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
    assert len(found) == 1, found
    assert statements.commits == 0


async def test_a_refresh_costs_two_the_second_of_which_commits_itself(
    client: httpx.AsyncClient, statements: Statements
) -> None:
    tokens = (await client.post("/auth/login", json=CREDENTIALS)).json()
    async with statements.counted() as found:
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 200
    assert [text.split()[0] for text in found] == ["SELECT", "UPDATE"], found
    assert statements.commits == 0


async def test_a_login_costs_four_and_the_commit(
    client: httpx.AsyncClient, statements: Statements
) -> None:
    async with statements.counted() as found:
        assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 200
    assert len(found) == 4, found
    assert statements.commits == 1


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_a_failed_login_costs_the_same_for_every_address(
    client: httpx.AsyncClient, statements: Statements, email: str
) -> None:
    async with statements.counted() as found:
        answer = await client.post("/auth/login", json={"email": email, "password": "wrong"})
        assert answer.status_code == 401
    assert len(found) == 3, found
    assert statements.commits == 1


async def test_a_login_for_which_there_is_no_room_costs_none(
    app: FastAPI, client: httpx.AsyncClient, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.hasher._pool, "_places", 0)
    async with statements.counted() as found:
        answer = await client.post("/auth/login", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert found == []
