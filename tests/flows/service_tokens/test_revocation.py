"""``POST /oauth/revoke``: a token is void from the answer on (RFC 7009)."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.clients.models import RevokedToken
from tests.conftest import bearer
from tests.flows.service_tokens.conftest import Service, basic
from tests.flows.service_tokens.test_token_endpoint import refused
from tests.flows.stored_rows import stored_sessions


async def revoke(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/oauth/revoke", data={"token": token})


async def revoked_tokens(app: FastAPI) -> list[RevokedToken]:
    async with app.state.database.transaction() as db:
        return list(await db.scalars(select(RevokedToken)))


@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
async def test_whoever_holds_a_person_s_token_ends_its_session(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], token: str
) -> None:
    answer = await revoke(client, tokens[token])
    assert (answer.status_code, answer.content) == (200, b"")
    (row,) = await stored_sessions(app)
    assert row.ended_because == "revoked"
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/auth/refresh", json=body)).status_code == 401


async def test_a_refresh_token_that_was_used_before_ends_its_session_too(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await revoke(client, tokens["refresh_token"])
    (row,) = await stored_sessions(app)
    assert row.ended_because == "revoked"


async def test_a_service_may_revoke_the_person_s_token_it_holds(
    app: FastAPI, service: Service, tokens: dict[str, Any]
) -> None:
    assert (await service.revoke(tokens["access_token"])).status_code == 200
    (row,) = await stored_sessions(app)
    assert row.ended_because == "revoked"


async def test_a_service_s_own_token_is_refused_from_then_on(
    app: FastAPI, service: Service, other_service: Service
) -> None:
    token, another = await service.token(), await service.token()
    assert (await service.revoke(token)).status_code == 200
    assert await other_service.introspect(token) == {"active": False}
    assert (await other_service.introspect(another))["active"] is True
    (row,) = await revoked_tokens(app)
    assert row.jti


async def test_nobody_but_the_service_itself_may_revoke_its_token(
    app: FastAPI, client: httpx.AsyncClient, service: Service
) -> None:
    token = await service.token()
    assert (await revoke(client, token)).status_code == 200
    assert (await service.introspect(token))["active"] is True
    assert await revoked_tokens(app) == []


async def test_a_bearer_token_in_the_header_is_ignored(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    form = {"token": tokens["refresh_token"]}
    answer = await client.post("/oauth/revoke", data=form, headers=bearer(tokens))
    assert answer.status_code == 200
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_another_service_s_token_is_left_alone(
    app: FastAPI, service: Service, other_service: Service
) -> None:
    token = await service.token()
    assert (await other_service.revoke(token)).status_code == 200
    assert (await service.introspect(token))["active"] is True
    assert await revoked_tokens(app) == []


@pytest.mark.parametrize("token", ["x", "rt_" + "A" * 72, "a.b.c", "\N{SNOWMAN}", "x" * 9000])
async def test_what_is_no_token_of_ours_is_answered_alike(
    client: httpx.AsyncClient, tokens: dict[str, Any], token: str
) -> None:
    assert (await revoke(client, token)).status_code == 200
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200


async def test_revoking_twice_is_answered_alike(
    client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    for token in (tokens["refresh_token"], tokens["access_token"], await service.token()):
        assert [(await revoke(client, token)).status_code for _ in range(2)] == [200, 200]


async def test_many_who_revoke_at_once_all_hear_that_it_is_done(
    client: httpx.AsyncClient, service: Service
) -> None:
    token = await service.token()
    answers = await asyncio.gather(*(revoke(client, token) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_client_that_is_none_revokes_nothing(
    client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    answer = await client.post(
        "/oauth/revoke",
        data={"token": tokens["refresh_token"]},
        headers=basic(f"{service.id}:wrong"),
    )
    assert refused(answer, 401, "invalid_client")
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200


async def test_without_a_token_it_is_an_invalid_request(client: httpx.AsyncClient) -> None:
    assert refused(await client.post("/oauth/revoke"), 400, "invalid_request")
