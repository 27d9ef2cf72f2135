"""``POST /oauth/introspect``: what a token is worth at this moment (RFC 7662)."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer
from tests.flows.service_tokens.conftest import Service, basic, new_service
from tests.flows.service_tokens.test_token_endpoint import refused
from tests.flows.stored_rows import change_users, execute, stored_sessions
from tests.moving_clock import MovingClock

DEAD = {"active": False}


async def test_a_person_s_token_is_told_with_what_holds_now(
    app: FastAPI,
    client: httpx.AsyncClient,
    service: Service,
    tokens: dict[str, Any],
    clock: MovingClock,
) -> None:
    me = (await client.get("/users/me", headers=bearer(tokens))).json()
    await change_users(app, roles=["user", "editor"], email_verified=True)
    found = await service.introspect(tokens["access_token"])
    now = int(clock.now().timestamp())
    assert found.pop("jti")
    assert found == {
        "active": True,
        "token_use": "access_token",
        "token_type": "bearer",
        "iss": "http://localhost:8000",
        "aud": "http://localhost:8000",
        "sub": me["id"],
        "username": "ada@example.com",
        "client_id": "auth-service",
        "sid": tokens["session_id"],
        "auth_time": now,
        "iat": now,
        "exp": now + 900,
        "amr": ["pwd"],
        "roles": ["user", "editor"],
        "email_verified": True,
    }


async def test_a_client_without_the_scope_is_told_nothing(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    other = await new_service(app, client, "email")
    form = {"token": tokens["access_token"]}
    answer = await client.post("/oauth/introspect", data=form, headers=other.basic)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def test_the_address_is_told_to_clients_with_a_scope_for_it(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    other = await new_service(app, client, "introspection")
    found = await other.introspect(tokens["access_token"])
    assert found["active"] is True
    assert "username" not in found


async def test_a_service_s_token_is_told(service: Service, other_service: Service) -> None:
    found = await other_service.introspect(await service.token(scope="orders:read"))
    assert found.pop("jti")
    assert found.pop("exp") - found.pop("iat") == 900
    assert found == {
        "active": True,
        "token_use": "access_token",
        "token_type": "bearer",
        "iss": "http://localhost:8000",
        "aud": "http://localhost:8000",
        "sub": service.id,
        "client_id": service.id,
        "roles": [],
        "scope": "orders:read",
    }


async def test_a_refresh_token_is_told_so_that_nobody_takes_it_for_an_access_token(
    service: Service, tokens: dict[str, Any], clock: MovingClock
) -> None:
    found = await service.introspect(tokens["refresh_token"])
    now = int(clock.now().timestamp())
    assert found.pop("sub")
    assert found == {
        "active": True,
        "token_use": "refresh_token",
        "iss": "http://localhost:8000",
        "client_id": "auth-service",
        "sid": tokens["session_id"],
        "iat": now,
        "exp": now + 14 * 86_400,
    }


async def test_looking_at_a_refresh_token_does_not_use_it(
    app: FastAPI, client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    for _ in range(3):
        await service.introspect(tokens["refresh_token"])
    (row,) = await stored_sessions(app)
    assert (row.counter, row.ended_at) == (0, None)
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/auth/refresh", json=body)).status_code == 200


async def test_looking_at_a_used_refresh_token_ends_nothing(
    app: FastAPI,
    client: httpx.AsyncClient,
    service: Service,
    tokens: dict[str, Any],
    clock: MovingClock,
) -> None:
    body = {"refresh_token": tokens["refresh_token"]}
    await client.post("/auth/refresh", json=body)
    clock.advance(minutes=1)
    assert await service.introspect(tokens["refresh_token"]) == DEAD
    (row,) = await stored_sessions(app)
    assert (row.counter, row.ended_at) == (1, None)


# --- What is dead ---


@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "end", ["logout", "disabled", "deleted", "session deleted", "session expired"]
)
async def test_whatever_ends_a_session_shows_in_the_next_answer(
    app: FastAPI,
    client: httpx.AsyncClient,
    service: Service,
    tokens: dict[str, Any],
    clock: MovingClock,
    end: str,
    token: str,
) -> None:
    assert (await service.introspect(tokens[token]))["active"] is True
    if end == "logout":
        await client.post("/auth/logout", headers=bearer(tokens))
    elif end == "disabled":
        await change_users(app, disabled_at=clock.now())
    elif end == "session expired":
        await execute(app, "UPDATE sessions SET expires_at = last_used_at")
    elif end == "deleted":
        await execute(app, "DELETE FROM users")
    else:
        await execute(app, "DELETE FROM sessions")
    assert await service.introspect(tokens[token]) == DEAD


async def test_an_expired_access_token_is_dead(
    service: Service, tokens: dict[str, Any], clock: MovingClock
) -> None:
    clock.advance(seconds=900)
    assert await service.introspect(tokens["access_token"]) == DEAD
    assert (await service.introspect(tokens["refresh_token"]))["active"] is True


async def test_a_token_of_a_client_that_was_removed_is_dead(
    app: FastAPI, service: Service, other_service: Service
) -> None:
    token = await service.token()
    async with app.state.database.transaction() as db:
        await app.state.service_clients.remove(db, UUID(service.id))
    assert await other_service.introspect(token) == DEAD


@pytest.mark.parametrize(
    "token", ["x", "rt_x", "a.b.c", "\N{SNOWMAN}", "rt_" + "A" * 72, "x" * 9000, "e30.e30."]
)
async def test_what_is_no_token_of_ours_is_dead(service: Service, token: str) -> None:
    assert await service.introspect(token) == DEAD


# --- Who may ask ---


async def test_nobody_may_ask_without_being_a_client(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.post("/oauth/introspect", data={"token": tokens["access_token"]})
    assert refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="oauth"'


async def test_a_wrong_secret_learns_nothing(
    client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    for token in (tokens["access_token"], "dead"):
        answer = await client.post(
            "/oauth/introspect", data={"token": token}, headers=basic(f"{service.id}:wrong")
        )
        assert refused(answer, 401, "invalid_client")


async def test_a_person_s_token_is_no_client_s_credential(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    data = {"token": tokens["access_token"]}
    answer = await client.post("/oauth/introspect", data=data, headers=bearer(tokens))
    assert refused(answer, 401, "invalid_client")


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token_type_hint": "access_token"}])
async def test_without_a_token_it_is_an_invalid_request(
    client: httpx.AsyncClient, service: Service, form: dict[str, str]
) -> None:
    answer = await client.post("/oauth/introspect", data=form, headers=service.basic)
    assert refused(answer, 400, "invalid_request")


async def test_a_hint_is_ignored(
    client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    form = {"token": tokens["access_token"], "token_type_hint": "refresh_token"}
    answer = await client.post("/oauth/introspect", data=form, headers=service.basic)
    assert answer.json()["active"] is True


async def test_json_is_415(client: httpx.AsyncClient, service: Service) -> None:
    answer = await client.post("/oauth/introspect", json={"token": "x"}, headers=service.basic)
    assert refused(answer, 415, "invalid_request")
