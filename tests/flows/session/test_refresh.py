"""A refresh token is good once, and a little longer for whoever lost the answer."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory, bearer, client_of
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import all_rows, forge, refresh, refreshed, row_of


async def test_a_refresh_answers_the_successor(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    successor = await refreshed(client, tokens["refresh_token"])
    expected = await forge(app.state.database, tokens["session_id"], 1)
    assert successor["refresh_token"] == expected
    assert successor["session_id"] == tokens["session_id"]
    assert successor["token_type"] == "bearer"


async def test_a_refresh_answers_an_access_token_that_works(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    successor = await refreshed(client, tokens["refresh_token"])
    assert successor["access_token"] != tokens["access_token"]
    assert (await client.get("/users/me", headers=bearer(successor))).status_code == 200


async def test_a_refresh_is_kept_by_no_cache(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await refresh(client, tokens["refresh_token"])
    assert answer.headers["cache-control"] == "no-store"


async def test_a_refresh_advances_the_counter_by_one(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(minutes=1)
    await refreshed(client, tokens["refresh_token"])
    row = await row_of(app.state.database, tokens["session_id"])
    assert (row.counter, row.rotated_at, row.last_used_at) == (1, clock.now(), clock.now())


async def test_tokens_can_be_exchanged_again_and_again(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    token = tokens["refresh_token"]
    for _ in range(10):
        clock.advance(minutes=10)
        token = (await refreshed(client, token))["refresh_token"]
    row = await row_of(app.state.database, tokens["session_id"])
    assert (row.counter, row.ended_at) == (10, None)


@pytest.mark.parametrize("seconds", [0, 5, 9.999])
async def test_within_the_grace_the_same_successor_is_answered(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    seconds: float,
) -> None:
    first = await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=seconds)
    again = await refreshed(client, tokens["refresh_token"])
    assert again["refresh_token"] == first["refresh_token"]
    assert (await client.get("/users/me", headers=bearer(again))).status_code == 200
    assert (await row_of(app.state.database, tokens["session_id"])).counter == 1


async def test_an_answer_given_again_promises_no_longer_life(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    first = await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=9)
    again = await refreshed(client, tokens["refresh_token"])
    assert again["refresh_expires_in"] == first["refresh_expires_in"] - 9


async def test_the_grace_counts_from_the_rotation_and_is_not_renewed(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=6)
    await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=6)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401


async def test_the_successor_given_twice_is_good_once(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    await refreshed(client, tokens["refresh_token"])
    again = await refreshed(client, tokens["refresh_token"])
    await refreshed(client, again["refresh_token"])
    clock.advance(seconds=10)
    assert (await refresh(client, again["refresh_token"])).status_code == 401


@pytest.mark.parametrize("seconds", [10, 10.001, 3600])
async def test_a_token_used_again_after_the_grace_ends_the_session(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    seconds: float,
) -> None:
    await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=seconds)
    answer = await refresh(client, tokens["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert answer.headers["www-authenticate"]
    row = await row_of(app.state.database, tokens["session_id"])
    assert (row.ended_because, row.ended_at) == ("refresh_token_reused", clock.now())


async def test_after_a_reuse_nothing_of_the_session_is_good(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    successor = await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=10)
    await refresh(client, tokens["refresh_token"])
    assert (await client.get("/users/me", headers=bearer(successor))).status_code == 401
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401
    assert (await refresh(client, successor["refresh_token"])).status_code == 401


async def test_a_reuse_ends_no_other_session(
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    credentials: dict[str, str],
) -> None:
    other = (await client.post("/auth/login", json=credentials)).json()
    await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=10)
    await refresh(client, tokens["refresh_token"])
    assert (await refresh(client, other["refresh_token"])).status_code == 200


async def test_a_token_two_behind_ends_the_session_even_within_the_grace(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    second = await refreshed(client, tokens["refresh_token"])
    third = await refreshed(client, second["refresh_token"])
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    row = await row_of(app.state.database, tokens["session_id"])
    assert row.ended_because == "refresh_token_reused"
    assert (await refresh(client, third["refresh_token"])).status_code == 401


async def test_without_a_grace_every_second_use_ends_the_session(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(refresh_grace=0) as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        await refreshed(client, opened["refresh_token"])
        assert (await refresh(client, opened["refresh_token"])).status_code == 401
        [row] = await all_rows(app.state.database)
    assert row.ended_because == "refresh_token_reused"


@pytest.mark.parametrize("by_form", [False, True])
async def test_the_end_of_a_reused_session_survives_the_refusal_on_every_route(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    by_form: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    await refreshed(client, tokens["refresh_token"])
    clock.advance(seconds=10)
    if by_form:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        answer = await client.post("/oauth/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    else:
        assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    [row] = await all_rows(app.state.database)
    assert row.ended_because == "refresh_token_reused"


async def test_an_ended_session_is_not_ended_again_by_a_reuse(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    successor = await refreshed(client, tokens["refresh_token"])
    await client.post("/auth/logout", json={"refresh_token": successor["refresh_token"]})
    before = await all_rows(app.state.database)
    clock.advance(seconds=10)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert await all_rows(app.state.database) == before


async def test_an_ended_session_is_never_recently_rotated(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    successor = await refreshed(client, tokens["refresh_token"])
    await client.post("/auth/logout", json={"refresh_token": successor["refresh_token"]})
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert (await refresh(client, successor["refresh_token"])).status_code == 401
    row = await row_of(app.state.database, tokens["session_id"])
    assert (row.ended_because, row.counter) == ("logged_out", 1)


async def test_everything_holds_after_a_restart(
    new_app: AppFactory, clock: MovingClock, credentials: dict[str, str]
) -> None:
    async with new_app() as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        first = await refreshed(client, opened["refresh_token"])
    async with new_app() as app, client_of(app) as client:
        assert (await client.get("/users/me", headers=bearer(first))).status_code == 200
        again = await refreshed(client, opened["refresh_token"])
        assert again["refresh_token"] == first["refresh_token"]
        clock.advance(seconds=10)
        assert (await refresh(client, opened["refresh_token"])).status_code == 401
    async with new_app() as app, client_of(app) as client:
        assert (await refresh(client, first["refresh_token"])).status_code == 401
