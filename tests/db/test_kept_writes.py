"""Refusals that keep what they wrote, each over HTTP: the write is there afterwards.

``tests/architecture/test_errors.py`` lists every error of that kind with its test here.
"""

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from auth_service.core.errors import DomainError
from auth_service.sessions.models import Session
from auth_service.settings import Settings
from tests.conftest import AppFactory, client_of


async def _ends_of_sessions(database_url: str) -> list[str | None]:
    engine = create_async_engine(Settings(database_url=database_url).database_url)
    async with engine.connect() as connection:
        found = list(await connection.scalars(select(Session.ended_because)))
    await engine.dispose()
    return found


async def _logged_in(http: httpx.AsyncClient, credentials: dict[str, str]) -> dict[str, Any]:
    await http.post("/auth/register", json=credentials)
    answer = await http.post("/auth/login", json=credentials)
    tokens: dict[str, Any] = answer.json()
    return tokens


async def _reuse(http: httpx.AsyncClient, credentials: dict[str, str]) -> httpx.Response:
    first = await _logged_in(http, credentials)
    body = {"refresh_token": first["refresh_token"]}
    assert (await http.post("/auth/refresh", json=body)).status_code == 200
    return await http.post("/auth/refresh", json=body)


async def test_a_reused_refresh_token_ends_its_session_although_the_answer_is_an_error(
    new_app: AppFactory, database_url: str, credentials: dict[str, str]
) -> None:
    async with new_app(refresh_grace=0) as app, client_of(app) as http:
        refused = await _reuse(http, credentials)
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid_refresh_token"
    assert await _ends_of_sessions(database_url) == ["refresh_token_reused"]


async def test_without_keeping_its_writes_the_session_would_live_on(
    new_app: AppFactory,
    database_url: str,
    credentials: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test above can fail: the promise hangs on the error's class alone."""
    from auth_service.sessions.errors import RefreshTokenReused

    monkeypatch.setattr(RefreshTokenReused, "keeps_writes", DomainError.keeps_writes)
    async with new_app(refresh_grace=0) as app, client_of(app) as http:
        refused = await _reuse(http, credentials)
    assert refused.status_code == 401
    assert await _ends_of_sessions(database_url) == [None]
