"""``POST /auth/login``: a session for whoever proves who they are."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.stored_rows import change_users, execute, stored_sessions, stored_users

CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
async def registered(client: httpx.AsyncClient) -> dict[str, Any]:
    user: dict[str, Any] = (await client.post("/auth/register", json=CREDENTIALS)).json()
    return user


async def test_a_login_answers_with_exactly_the_tokens(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS)
    assert answer.status_code == 200
    tokens = answer.json()
    assert list(tokens) == [
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "session_id",
    ]
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 900
    assert tokens["refresh_expires_in"] == 14 * 24 * 3600
    assert tokens["refresh_token"].startswith("rt_")
    assert UUID(tokens["session_id"]).version == 7


async def test_an_answer_with_tokens_is_stored_nowhere(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS)
    assert answer.headers["cache-control"] == "no-store"


async def test_the_access_token_is_the_callers(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    tokens = (await client.post("/auth/login", json=CREDENTIALS)).json()
    me = await client.get("/users/me", headers=bearer(tokens))
    assert me.json()["id"] == registered["id"]


async def test_a_login_is_noted_with_its_time(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any], clock: Any
) -> None:
    assert registered["last_login_at"] is None
    clock.advance(hours=1)
    tokens = (await client.post("/auth/login", json=CREDENTIALS)).json()
    me = (await client.get("/users/me", headers=bearer(tokens))).json()
    assert me["last_login_at"] == clock.now().isoformat().replace("+00:00", "Z")


async def test_a_refused_login_is_not_noted_as_one(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    await client.post("/auth/login", json=CREDENTIALS | {"password": "wrong"})
    (user,) = await stored_users(app)
    assert user.last_login_at is None
    assert await stored_sessions(app) == []


async def test_a_session_notes_where_it_was_opened(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    await client.post("/auth/login", json=CREDENTIALS, headers={"User-Agent": "Test/1"})
    (session,) = await stored_sessions(app)
    assert (session.ip, session.user_agent) == ("198.51.100.7", "Test/1")
    assert session.amr == ["pwd"]


@pytest.mark.parametrize(
    "email",
    ["ADA@EXAMPLE.COM", " ada@example.com ", "ada@\uff45xample.com"],
)
async def test_any_spelling_of_the_address_logs_in(
    client: httpx.AsyncClient, registered: dict[str, Any], email: str
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS | {"email": email})
    assert answer.status_code == 200


async def test_each_login_is_a_session_of_its_own(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    first = (await client.post("/auth/login", json=CREDENTIALS)).json()
    second = (await client.post("/auth/login", json=CREDENTIALS)).json()
    assert first["session_id"] != second["session_id"]
    assert {str(row.id) for row in await stored_sessions(app)} == {
        first["session_id"],
        second["session_id"],
    }


async def test_the_body_carries_the_refresh_token_where_it_is_asked_for(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS | {"delivery": "body"})
    assert "refresh_token" in answer.json()
    assert "refresh_token" not in answer.headers["set-cookie"]


async def test_by_cookie_the_refresh_token_is_in_the_cookie_and_nowhere_else(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS | {"delivery": "cookie"})
    assert "refresh_token" not in answer.json()
    name, _, attributes = answer.headers.get_list("set-cookie")[0].partition("=")
    assert name == "__Secure-refresh_token"
    value, *rest = attributes.split("; ")
    assert value.startswith("rt_")
    assert set(rest) == {"HttpOnly", "Secure", "SameSite=Strict", "Path=/auth", "Max-Age=1209600"}


@pytest.mark.parametrize("delivery", ["Cookie", "header", "", None, 1, ["body"]])
async def test_another_delivery_is_refused(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any], delivery: object
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS | {"delivery": delivery})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/delivery"]
    assert await stored_sessions(app) == []


async def test_an_unknown_field_is_refused(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=CREDENTIALS | {"remember": True})
    assert answer.status_code == 422
    assert await stored_sessions(app) == []


async def test_an_unverified_address_may_log_in_by_default(
    client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    assert registered["email_verified"] is False
    assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 200


async def test_an_unverified_address_is_refused_where_verification_is_required(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        await client.post("/auth/register", json=CREDENTIALS)
        answer = await client.post("/auth/login", json=CREDENTIALS)
        assert (answer.status_code, answer.json()["code"]) == (403, "email_not_verified")
        assert await stored_sessions(app) == []


async def test_a_wrong_password_is_not_told_that_the_address_is_unverified(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        await client.post("/auth/register", json=CREDENTIALS)
        answer = await client.post("/auth/login", json=CREDENTIALS | {"password": "wrong"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


async def test_a_verified_address_logs_in_where_verification_is_required(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        await client.post("/auth/register", json=CREDENTIALS)
        await change_users(app, email_verified=True)
        assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 200


async def test_an_account_disabled_until_a_time_may_log_in_after_it(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any], clock: Any
) -> None:
    start = clock.now()
    clock.advance(minutes=5)
    await change_users(app, disabled_at=start, disabled_until=clock.now())
    clock.advance(seconds=-1)
    assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 401
    clock.advance(seconds=1)
    assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 200


async def test_a_deleted_account_cannot_log_in(
    app: FastAPI, client: httpx.AsyncClient, registered: dict[str, Any]
) -> None:
    await execute(app, "DELETE FROM users")
    assert (await client.post("/auth/login", json=CREDENTIALS)).status_code == 401
