"""Refreshes and logouts of one session at the same moment, over several servers."""

import asyncio
from typing import Any

import httpx
import pytest

from auth_service.db.session import Database
from tests.conftest import bearer
from tests.races.conftest import Servers
from tests.sessions.stored_sessions import all_rows, refresh

PARALLEL, GENERATIONS = 50, 5


async def log_in(servers: Servers, credentials: dict[str, str]) -> dict[str, Any]:
    answer = await servers.first.post("/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def opened(servers: Servers, credentials: dict[str, str]) -> dict[str, Any]:
    await servers.first.post("/auth/register", json=credentials)
    return await log_in(servers, credentials)


async def refresh_together(servers: Servers, token: str, number: int) -> list[httpx.Response]:
    return await asyncio.gather(*(refresh(client, token) for client in servers.take(number)))


async def test_parallel_refreshes_all_get_the_one_successor(
    servers: Servers, database: Database, opened: dict[str, Any]
) -> None:
    token = opened["refresh_token"]
    for generation in range(1, GENERATIONS + 1):
        answers = await refresh_together(servers, token, PARALLEL)
        assert {answer.status_code for answer in answers} == {200}
        [token] = {answer.json()["refresh_token"] for answer in answers}
        [row] = await all_rows(database)
        assert (row.counter, row.ended_at) == (generation, None)


async def test_every_access_token_of_parallel_refreshes_works_on_every_server(
    servers: Servers, opened: dict[str, Any]
) -> None:
    answers = await refresh_together(servers, opened["refresh_token"], 10)
    for answer in answers:
        for client in servers.clients:
            me = await client.get("/users/me", headers=bearer(answer.json()))
            assert me.status_code == 200


async def test_parallel_uses_of_a_token_two_behind_end_the_session_for_all(
    servers: Servers, database: Database, opened: dict[str, Any]
) -> None:
    [second] = await refresh_together(servers, opened["refresh_token"], 1)
    [third] = await refresh_together(servers, second.json()["refresh_token"], 1)
    answers = await refresh_together(servers, opened["refresh_token"], 20)
    assert {answer.status_code for answer in answers} == {401}
    [row] = await all_rows(database)
    assert row.ended_because == "refresh_token_reused"
    [last] = await refresh_together(servers, third.json()["refresh_token"], 1)
    assert last.status_code == 401


async def refresh_and_log_out_together(
    servers: Servers, opened: dict[str, Any]
) -> list[httpx.Response]:
    body = {"refresh_token": opened["refresh_token"]}
    routes = ["/auth/refresh", "/auth/refresh", "/auth/logout", "/auth/refresh", "/auth/logout"] * 4
    return await asyncio.gather(
        *(
            client.post(route, json=body)
            for client, route in zip(servers.take(len(routes)), routes, strict=True)
        )
    )


async def test_after_logouts_among_refreshes_nothing_of_the_session_is_good(
    servers: Servers, database: Database, opened: dict[str, Any], credentials: dict[str, str]
) -> None:
    for _ in range(3):
        answers = await refresh_and_log_out_together(servers, opened)
        assert {answer.status_code for answer in answers} <= {200, 204, 401}
        assert {row.ended_because for row in await all_rows(database)} == {"logged_out"}
        for given in [answer.json() for answer in answers if answer.status_code == 200]:
            for client in servers.clients:
                assert (await refresh(client, given["refresh_token"])).status_code == 401
                me = await client.get("/users/me", headers=bearer(given))
                assert me.status_code == 401
        opened = await log_in(servers, credentials)
