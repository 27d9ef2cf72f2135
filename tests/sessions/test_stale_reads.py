"""A session changes between a refresh's read and its write: the database has the last word."""

from typing import Any

import pytest
from fastapi import FastAPI

from auth_service.core.emails import Email
from auth_service.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from auth_service.sessions.service import AuthenticRefresh, Sessions, SessionTokens
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import delete_user, row_of


@pytest.fixture
def sessions(app: FastAPI) -> Sessions:
    found: Sessions = app.state.sessions
    return found


@pytest.fixture
async def presented(sessions: Sessions, tokens: dict[str, Any]) -> AuthenticRefresh:
    """A refresh that has read its session, and not yet written."""
    return await sessions.authenticate(tokens["refresh_token"])


async def rotate(app: FastAPI, presented: AuthenticRefresh) -> SessionTokens:
    async with app.state.database.transaction() as db:
        tokens: SessionTokens = await app.state.sessions.rotate(db, presented)
        return tokens


async def test_two_refreshes_that_read_the_same_counter_get_the_same_successor(
    app: FastAPI, presented: AuthenticRefresh
) -> None:
    first, second = await rotate(app, presented), await rotate(app, presented)
    assert first.refresh_token == second.refresh_token
    assert (await row_of(app.state.database, str(first.session_id))).counter == 1


async def test_a_refresh_that_comes_two_rotations_late_ends_the_session(
    app: FastAPI, sessions: Sessions, presented: AuthenticRefresh
) -> None:
    first = await rotate(app, presented)
    await rotate(app, await sessions.authenticate(first.refresh_token))
    with pytest.raises(RefreshTokenReused):
        await rotate(app, presented)
    row = await row_of(app.state.database, str(first.session_id))
    assert row.ended_because == "refresh_token_reused"


async def test_a_logout_in_between_wins(
    app: FastAPI, sessions: Sessions, presented: AuthenticRefresh
) -> None:
    async with app.state.database.transaction() as db:
        await sessions.end(db, presented.session.id, because="logged_out")
    with pytest.raises(InvalidRefreshToken):
        await rotate(app, presented)
    row = await row_of(app.state.database, str(presented.session.id))
    assert (row.counter, row.ended_because) == (0, "logged_out")


async def test_a_disabled_account_in_between_wins(
    app: FastAPI, presented: AuthenticRefresh
) -> None:
    async with app.state.database.transaction() as db:
        await app.state.user_administration.disable(db, Email.parse("ada@example.com"))
    with pytest.raises(InvalidRefreshToken):
        await rotate(app, presented)
    row = await row_of(app.state.database, str(presented.session.id))
    assert (row.counter, row.ended_because) == (0, "account_disabled")


async def test_a_deleted_account_in_between_wins(app: FastAPI, presented: AuthenticRefresh) -> None:
    await delete_user(app.state.database)
    with pytest.raises(InvalidRefreshToken):
        await rotate(app, presented)


async def test_a_session_that_expires_in_between_is_refused(
    app: FastAPI, clock: MovingClock, presented: AuthenticRefresh
) -> None:
    clock.advance(days=14)
    with pytest.raises(InvalidRefreshToken):
        await rotate(app, presented)
    assert (await row_of(app.state.database, str(presented.session.id))).counter == 0
