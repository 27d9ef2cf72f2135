"""What needs a recent login: how old it may be, and what does not make it younger."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from auth_service.identity.current_user import authenticate, require_recent_login, require_role
from auth_service.identity.errors import MAXIMUM_LOGIN_AGE, InsufficientUserAuthentication
from auth_service.sessions.repository import StoredSession
from tests.moving_clock import MovingClock

check = require_recent_login(require_role("user"))


async def caller(app: FastAPI, tokens: dict[str, Any]) -> StoredSession:
    return await authenticate(tokens["access_token"], app.state.access_tokens, app.state.sessions)


async def is_let_through(app: FastAPI, tokens: dict[str, Any]) -> bool:
    user = await caller(app, tokens)
    try:
        return await check(Request({"type": "http", "app": app}), user) is user
    except InsufficientUserAuthentication:
        return False


def test_a_login_is_recent_for_ten_minutes_and_the_challenge_says_so() -> None:
    assert MAXIMUM_LOGIN_AGE.total_seconds() == 600
    assert InsufficientUserAuthentication.challenge == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="This needs a more recent login", max_age="600"'
    )


@pytest.mark.parametrize("seconds", [0, 1, 600])
async def test_a_login_of_up_to_ten_minutes_ago_is_recent(
    app: FastAPI, tokens: dict[str, Any], clock: MovingClock, seconds: float
) -> None:
    clock.advance(seconds=seconds)
    assert await is_let_through(app, tokens)


@pytest.mark.parametrize("seconds", [600.001, 899])
async def test_an_older_one_is_not(
    app: FastAPI, tokens: dict[str, Any], clock: MovingClock, seconds: float
) -> None:
    clock.advance(seconds=seconds)
    assert not await is_let_through(app, tokens)


async def test_a_login_that_another_worker_s_clock_puts_ahead_is_recent(
    app: FastAPI, tokens: dict[str, Any], clock: MovingClock
) -> None:
    clock.advance(seconds=-2)
    assert await is_let_through(app, tokens)


async def test_a_refresh_makes_no_login_recent(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], clock: MovingClock
) -> None:
    clock.advance(minutes=11)
    body = {"refresh_token": tokens["refresh_token"]}
    refreshed = (await client.post("/auth/refresh", json=body)).json()
    assert not await is_let_through(app, refreshed)


async def test_another_session_s_login_makes_none_recent(
    app: FastAPI,
    client: httpx.AsyncClient,
    tokens: dict[str, Any],
    credentials: dict[str, str],
    clock: MovingClock,
) -> None:
    clock.advance(minutes=11)
    again = (await client.post("/auth/login", json=credentials)).json()
    assert await is_let_through(app, again)
    assert not await is_let_through(app, tokens)
