"""When a session is over: by time, by its owner's state, and for every token at once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.emails import Email
from tests.conftest import AppFactory, bearer, client_of
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import (
    all_rows,
    change_user,
    delete_user,
    refresh,
    refreshed,
    row_of,
)

ADA = Email.parse("ada@example.com")
LOCKED_OUT, WELCOME = (401, 401), (200, 200)


async def statuses(client: httpx.AsyncClient, tokens: dict[str, Any]) -> tuple[int, int]:
    """What a request with the access token, and one with the refresh token, is answered."""
    me = await client.get("/users/me", headers=bearer(tokens))
    return me.status_code, (await refresh(client, tokens["refresh_token"])).status_code


async def test_a_session_lives_until_just_before_its_idle_limit(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(days=14, seconds=-1)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 200


async def test_a_session_is_over_at_its_idle_limit(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    before = await all_rows(app.state.database)
    clock.advance(days=14)
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert await all_rows(app.state.database) == before


async def test_a_refresh_starts_the_idle_time_anew(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(days=13)
    successor = await refreshed(client, tokens["refresh_token"])
    clock.advance(days=13)
    assert (await refresh(client, successor["refresh_token"])).status_code == 200


async def test_no_rotation_extends_the_absolute_limit(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    token = tokens["refresh_token"]
    for _ in range(3):
        clock.advance(days=9, hours=23)
        token = (await refreshed(client, token))["refresh_token"]
    clock.advance(hours=3, seconds=-1)
    last = await refreshed(client, token)
    clock.advance(seconds=1)
    assert (await refresh(client, last["refresh_token"])).status_code == 401
    assert (await client.get("/users/me", headers=bearer(last))).status_code == 401


async def test_the_promised_life_shrinks_towards_the_absolute_limit(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(days=13)
    first = await refreshed(client, tokens["refresh_token"])
    clock.advance(days=13)
    second = await refreshed(client, first["refresh_token"])
    clock.advance(days=4, minutes=-5)
    third = await refreshed(client, second["refresh_token"])
    promised = [found["refresh_expires_in"] for found in (tokens, first, second, third)]
    assert promised == [14 * 86400, 14 * 86400, 4 * 86400, 300]
    assert [found["expires_in"] for found in (tokens, first, second, third)] == [900, 900, 900, 300]


async def test_an_access_token_does_not_outlive_an_idle_session(
    new_app: AppFactory, clock: MovingClock, credentials: dict[str, str]
) -> None:
    async with new_app(session_idle_ttl=60) as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        assert (opened["expires_in"], opened["refresh_expires_in"]) == (60, 60)
        clock.advance(seconds=60)
        assert await statuses(client, opened) == (401, 401)


async def test_a_disabled_user_is_refused_at_once(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
    await change_user(app.state.database, disabled_at=clock.now())
    assert await statuses(client, tokens) == (401, 401)
    assert (await row_of(app.state.database, tokens["session_id"])).counter == 0


async def test_a_disabled_user_is_refused_even_within_the_grace(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    await refreshed(client, tokens["refresh_token"])
    await change_user(app.state.database, disabled_at=clock.now())
    assert await statuses(client, tokens) == (401, 401)


@pytest.mark.parametrize(
    ("ahead", "expected"), [(1, (401, 401)), (0, (200, 200)), (-1, (200, 200))]
)
async def test_a_user_is_disabled_only_until_the_time_given(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    ahead: int,
    expected: tuple[int, int],
) -> None:
    until = clock.now() + timedelta(seconds=ahead)
    await change_user(app.state.database, disabled_at=clock.now(), disabled_until=until)
    assert await statuses(client, tokens) == expected


async def test_an_account_enabled_again_does_not_bring_its_sessions_back(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    state = app.state
    async with state.database.transaction() as db:
        await state.user_administration.disable(db, ADA)
    async with state.database.transaction() as db:
        await state.user_administration.enable(db, ADA)
    assert await statuses(client, tokens) == (401, 401)
    row = await row_of(state.database, tokens["session_id"])
    assert row.ended_because == "account_disabled"
    assert (await client.post("/auth/login", json=credentials)).status_code == 200


async def test_a_deleted_user_is_refused_at_once(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
    await delete_user(app.state.database)
    assert await statuses(client, tokens) == (401, 401)
    assert await all_rows(app.state.database) == []


async def test_an_ended_session_is_refused_at_once(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
    await client.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert await statuses(client, tokens) == (401, 401)


async def test_a_refresh_tells_the_roles_and_the_state_of_now(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await change_user(app.state.database, roles=["user", "admin"], email_verified=True)
    successor = await refreshed(client, tokens["refresh_token"])
    claims = await app.state.access_tokens.verify(successor["access_token"])
    assert (claims.roles, claims.email_verified) == (("user", "admin"), True)
