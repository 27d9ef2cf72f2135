"""How often a session may be refreshed, and whose tries count."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory
from tests.sessions.stored_sessions import all_rows, forge, refresh, refreshed


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    """The service with the limit it has by default."""
    async with new_app(rate_limit_refresh="30/minute") as started:
        yield started


async def refresh_many(client: httpx.AsyncClient, token: str, times: int) -> str:
    for _ in range(times):
        token = (await refreshed(client, token))["refresh_token"]
    return token


async def test_the_thirty_first_refresh_in_a_minute_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    token = await refresh_many(client, tokens["refresh_token"], 30)
    before = await all_rows(app.state.database)
    answer = await refresh(client, token)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert await all_rows(app.state.database) == before


async def test_a_refused_refresh_has_used_nothing_up(
    client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    token = await refresh_many(client, tokens["refresh_token"], 30)
    assert (await refresh(client, token)).status_code == 429
    assert (await client.post("/auth/logout", json={"refresh_token": token})).status_code == 204


async def test_every_refresh_tells_how_the_session_stands(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    first = await refresh(client, tokens["refresh_token"])
    second = await refresh(client, first.json()["refresh_token"])
    assert first.headers["ratelimit-policy"] == '"refresh";q=30;w=60'
    assert first.headers["ratelimit"].startswith('"refresh";r=29;t=')
    assert second.headers["ratelimit"].startswith('"refresh";r=28;t=')


async def test_a_refused_refresh_tells_how_the_session_stands(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    token = await refresh_many(client, tokens["refresh_token"], 30)
    answer = await refresh(client, token)
    assert answer.headers["ratelimit"].startswith('"refresh";r=0;t=')
    assert answer.headers["ratelimit-policy"] == '"refresh";q=30;w=60'


async def test_tokens_that_somebody_made_up_do_not_count(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    forged = await forge(
        app.state.database, tokens["session_id"], 0, "a secret that is not the service's, of length"
    )
    for _ in range(35):
        answer = await refresh(client, forged)
        assert answer.status_code == 401
        assert "ratelimit" not in answer.headers
    answer = await refresh(client, tokens["refresh_token"])
    assert answer.headers["ratelimit"].startswith('"refresh";r=29;')


async def test_two_sessions_of_one_user_and_address_do_not_share_a_limit(
    client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    other = (await client.post("/auth/login", json=credentials)).json()
    await refresh_many(client, tokens["refresh_token"], 30)
    answer = await refresh(client, other["refresh_token"])
    assert answer.headers["ratelimit"].startswith('"refresh";r=29;')


async def test_the_two_ways_to_refresh_share_a_limit(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    token = await refresh_many(client, tokens["refresh_token"], 30)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = await client.post("/oauth/token", data=form)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


async def test_tokens_of_ours_count_even_when_they_are_dead(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await client.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    answers = [await refresh(client, tokens["refresh_token"]) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
