"""PgBouncer in transaction mode: with its setting the service works, without it says so."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from auth_service.db import schema
from auth_service.db.engine import new_engine
from tests.conftest import (
    PASSWORD,
    AppFactory,
    bearer,
    client_of,
    new_postgresql_database,
    settings_for,
)
from tests.running_server import NewServer, serving
from tests.third_party.pgbouncer import IGNORED, pgbouncer

pytestmark = pytest.mark.postgresql
CLIENTS = 8
ROUNDS = 12


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """The one that PgBouncer stands before."""
    return postgresql_url


async def one_person(http: httpx.AsyncClient, number: int) -> Counter[tuple[str, int]]:
    """Log in, read, refresh and log out again and again; what each answer was."""
    credentials = {"email": f"person{number}@example.com", "password": PASSWORD}
    answers = Counter(
        {("register", (await http.post("/auth/register", json=credentials)).status_code): 1}
    )
    for _ in range(ROUNDS):
        login = await http.post("/auth/login", json=credentials)
        answers["login", login.status_code] += 1
        tokens = login.json()
        answers["me", (await http.get("/users/me", headers=bearer(tokens))).status_code] += 1
        body = {"refresh_token": tokens["refresh_token"]}
        answers["refresh", (await http.post("/auth/refresh", json=body)).status_code] += 1
        events = await http.get("/users/me/security-events", headers=bearer(tokens))
        answers["events", events.status_code] += 1
        answers[
            "logout", (await http.post("/auth/logout", headers=bearer(tokens))).status_code
        ] += 1
    return answers


async def test_with_the_setting_every_answer_is_right(
    new_server: NewServer, database_url: str, tmp_path: Path
) -> None:
    async with (
        pgbouncer(tmp_path, database_url) as url,
        new_server(AUTH_DATABASE_URL=url, AUTH_DATABASE_POOLER="true") as server,
        server.client() as http,
    ):
        assert (await http.get("/readyz")).json()["status"] == "ok"
        found = await asyncio.gather(*(one_person(http, number) for number in range(CLIENTS)))
    times = CLIENTS * ROUNDS
    assert sum(found, Counter()) == {
        ("register", 201): CLIENTS,
        ("login", 200): times,
        ("me", 200): times,
        ("refresh", 200): times,
        ("events", 200): times,
        ("logout", 204): times,
    }


async def test_a_refresh_token_is_used_once_behind_it(
    new_server: NewServer, database_url: str, tmp_path: Path
) -> None:
    async with (
        pgbouncer(tmp_path, database_url) as url,
        new_server(AUTH_DATABASE_URL=url, AUTH_DATABASE_POOLER="true") as server,
        server.client() as http,
    ):
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        await http.post("/auth/register", json=credentials)
        token = (await http.post("/auth/login", json=credentials)).json()["refresh_token"]
        body = {"refresh_token": token}
        answers = await asyncio.gather(
            *(http.post("/auth/refresh", json=body) for _ in range(CLIENTS))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.parametrize("startup_parameters", ["", IGNORED])
async def test_without_the_setting_it_refuses_to_serve(
    database_url: str, tmp_path: Path, startup_parameters: str
) -> None:
    async with pgbouncer(tmp_path, database_url, startup_parameters=startup_parameters) as url:
        environment = {"AUTH_ENVIRONMENT": "test", "AUTH_DATABASE_URL": url}
        with pytest.raises(AssertionError) as refused:
            async with serving(environment, folder=tmp_path):
                pass
    assert str(refused.value).strip().endswith("connection pooler: set AUTH_DATABASE_POOLER=true.")


async def test_readiness_names_it(new_app: AppFactory, database_url: str, tmp_path: Path) -> None:
    async with (
        pgbouncer(tmp_path, database_url) as url,
        new_app(database_url=url) as app,
        client_of(app) as http,
    ):
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["pooler"] == "unavailable"
    assert "AUTH_DATABASE_POOLER=true" in answer.json()["detail"]


@pytest.fixture
def empty_database_url() -> Iterator[str]:
    with new_postgresql_database(f"auth_pooler_{os.getpid()}") as url:
        yield url


async def test_a_schema_is_migrated_through_it(empty_database_url: str, tmp_path: Path) -> None:
    async with pgbouncer(tmp_path, empty_database_url) as url:
        engine = new_engine(settings_for(url, database_pooler=True))
        try:
            await schema.migrate(engine)
            assert await schema.current_revision(engine) == schema.HEAD
        finally:
            await engine.dispose()
