"""``GET /users/me``: the account that the access token belongs to, as it is now."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.stored_rows import change_users, execute, stored_users

RIGHT = {"email": "ada@example.com", "password": PASSWORD}


async def test_the_caller_sees_exactly_their_account(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get("/users/me", headers=bearer(tokens))
    assert answer.status_code == 200
    user = answer.json()
    assert list(user) == ["id", "email", "email_verified", "roles", "created_at", "last_login_at"]
    assert (user["email"], user["email_verified"], user["roles"]) == (
        "ada@example.com",
        False,
        ["user"],
    )
    assert user["created_at"].endswith("Z")
    assert user["last_login_at"].endswith("Z")


async def test_personal_data_is_stored_nowhere(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get("/users/me", headers=bearer(tokens))
    assert answer.headers["cache-control"] == "no-store"


async def test_a_change_shows_at_once_not_with_the_next_token(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await change_users(app, email_verified=True, roles=["user", "admin"])
    user = (await client.get("/users/me", headers=bearer(tokens))).json()
    assert (user["email_verified"], user["roles"]) == (True, ["user", "admin"])


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer a.b.c", "Basic x"]
)
async def test_without_a_valid_token_it_is_401_with_a_challenge(
    client: httpx.AsyncClient, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await client.get("/users/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_access_token")
    # RFC 6750 section 3.1: an error is named only where a token was sent.
    sent = authorization is not None and authorization.lower().startswith("bearer")
    expected = 'Bearer error="invalid_token"' if sent else "Bearer"
    assert answer.headers["www-authenticate"] == expected


async def test_a_refresh_token_is_no_access_token(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get(
        "/users/me", headers=bearer({"access_token": tokens["refresh_token"]})
    )
    assert answer.status_code == 401


async def test_a_disabled_user_is_refused_at_once(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    (user,) = await stored_users(app)
    await change_users(app, disabled_at=user.created_at)
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_a_deleted_user_is_refused_at_once(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await execute(app, "DELETE FROM users")
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_an_expired_token_is_refused(
    client: httpx.AsyncClient, tokens: dict[str, Any], clock: Any
) -> None:
    clock.advance(minutes=15)
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_users_are_limited_each_for_themselves(new_app: AppFactory) -> None:
    async with new_app(rate_limit_user="1/minute") as app, client_of(app) as client:
        headers = []
        for email in ("ada@example.com", "bob@example.com"):
            await client.post("/auth/register", json=RIGHT | {"email": email})
            login = await client.post("/auth/login", json=RIGHT | {"email": email})
            headers.append(bearer(login.json()))
        answers = [await client.get("/users/me", headers=headers[who]) for who in (0, 0, 1)]
        assert [answer.status_code for answer in answers] == [200, 429, 200]
        assert answers[1].headers["ratelimit-policy"] == '"user";q=1;w=60'
        assert int(answers[1].headers["retry-after"]) > 0


async def test_a_refused_token_is_not_counted_against_anybody(new_app: AppFactory) -> None:
    async with new_app(rate_limit_user="1/minute") as app, client_of(app) as client:
        answers = [
            await client.get("/users/me", headers={"Authorization": "Bearer x"}) for _ in "12"
        ]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert "ratelimit" not in answers[0].headers
