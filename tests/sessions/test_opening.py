"""What a login leaves: one row, of which there are never too many."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.sessions.models import Session
from auth_service.sessions.service import MAXIMUM_PER_USER
from tests.conftest import AppFactory, bearer, client_of
from tests.flows.events import events
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import all_rows, refresh, row_of


async def log_in(
    client: httpx.AsyncClient, credentials: dict[str, str], **headers: str
) -> dict[str, Any]:
    answer = await client.post("/auth/login", json=credentials, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_login_keeps_no_token_in_the_database(app: FastAPI, tokens: dict[str, Any]) -> None:
    async with app.state.database.transaction() as db:
        stored = str((await db.execute(select(*Session.__table__.columns))).one())
    assert tokens["refresh_token"][3:] not in stored
    assert tokens["access_token"].rpartition(".")[2] not in stored


async def test_each_session_has_a_salt_of_its_own(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    await log_in(client, credentials)
    first, second = await all_rows(app.state.database)
    assert len(first.refresh_salt) == 32
    assert first.refresh_salt != second.refresh_salt


async def test_a_session_notes_where_it_was_opened(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    await log_in(client, credentials, **{"User-Agent": "a browser"})
    async with app.state.database.transaction() as db:
        newest = select(Session.ip, Session.user_agent).order_by(Session.id.desc()).limit(1)
        assert (await db.execute(newest)).one() == ("198.51.100.7", "a browser")


async def test_an_endless_user_agent_is_cut(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    await log_in(client, credentials, **{"User-Agent": "x" * 4000})
    async with app.state.database.transaction() as db:
        newest = select(Session.user_agent).order_by(Session.id.desc()).limit(1)
        assert await db.scalar(newest) == "x" * 512


async def test_the_fifty_first_session_ends_the_oldest(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    credentials: dict[str, str],
) -> None:
    second: dict[str, Any] = {}
    for _ in range(MAXIMUM_PER_USER):
        clock.advance(seconds=1)
        last = await log_in(client, credentials)
        second = second or last
    rows = await all_rows(app.state.database)
    assert [row.ended_because for row in rows] == ["too_many_sessions", *[None] * 50]
    assert (await refresh(client, tokens["refresh_token"])).status_code == 401
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401
    assert (await refresh(client, second["refresh_token"])).status_code == 200
    ended = [event for event in await events(app) if event.action == "session.ended"]
    assert [str(event.session_id) for event in ended] == [tokens["session_id"]]


async def test_sessions_that_are_over_do_not_count_towards_the_fifty(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    credentials: dict[str, str],
) -> None:
    for _ in range(MAXIMUM_PER_USER):
        clock.advance(seconds=1)
        opened = await log_in(client, credentials)
        await client.post("/auth/logout", json={"refresh_token": opened["refresh_token"]})
    assert (await row_of(app.state.database, tokens["session_id"])).ended_at is None


async def test_the_sessions_of_others_do_not_count_towards_the_fifty(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: MovingClock,
    tokens: dict[str, Any],
    credentials: dict[str, str],
) -> None:
    other = {"email": "grace@example.com", "password": credentials["password"]}
    await client.post("/auth/register", json=other)
    for _ in range(MAXIMUM_PER_USER + 1):
        clock.advance(seconds=1)
        await log_in(client, other)
    assert (await row_of(app.state.database, tokens["session_id"])).ended_at is None


@pytest.mark.parametrize(("ttl", "expected"), [("900", 900), ("PT2M", 120)])
async def test_a_login_says_how_long_its_tokens_are_good(
    new_app: AppFactory, credentials: dict[str, str], ttl: str, expected: int
) -> None:
    async with new_app(access_token_ttl=ttl) as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = await log_in(client, credentials)
    assert (opened["expires_in"], opened["refresh_expires_in"]) == (expected, 14 * 86400)
