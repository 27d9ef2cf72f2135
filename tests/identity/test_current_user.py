"""Who is calling: an access token that verifies is not enough by itself."""

import base64
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request

from auth_service.core.client import ClientInfo
from auth_service.core.ids import new_id
from auth_service.identity.current_user import authenticate, require_role
from auth_service.identity.errors import Forbidden
from auth_service.sessions.repository import StoredSession
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.service import AccessTokens, Bearer
from tests.conftest import AppFactory, bearer, client_of
from tests.flows.events import events
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import change_user


async def issued(app: FastAPI, tokens: dict[str, Any], **changes: Any) -> dict[str, str]:
    """The header of a token like the login's, but for the changes; signed by the service."""
    claims = await app.state.access_tokens.verify(tokens["access_token"])
    values: dict[str, Any] = {
        "subject": UUID(claims.subject),
        "session_id": UUID(claims.session_id),
        "client_id": claims.client_id,
        "auth_time": app.state.sessions._clock.now(),
        "amr": ["pwd"],
        "roles": ["user"],
        "email_verified": False,
    }
    found = await app.state.access_tokens.issue(
        Bearer(**(values | changes)), not_after=values["auth_time"] + timedelta(hours=1)
    )
    return {"Authorization": f"Bearer {found.token}"}


async def status(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/users/me", headers=headers)).status_code


async def test_an_access_token_names_the_caller(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get("/users/me", headers=bearer(tokens))
    assert (answer.status_code, answer.json()["email"]) == (200, "ada@example.com")


async def test_a_token_issued_with_the_same_claims_passes(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, await issued(app, tokens)) == 200


async def test_a_request_without_a_token_is_told_what_to_bring(client: httpx.AsyncClient) -> None:
    answer = await client.get("/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_access_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer garbage", "Bearer a.b.c", "b\tx", "x" * 4000],
)
async def test_a_header_that_carries_no_token_of_ours_is_refused(
    client: httpx.AsyncClient, header: str
) -> None:
    assert await status(client, {"Authorization": header}) == 401


async def test_a_token_with_a_header_of_a_thousand_levels_is_refused(
    client: httpx.AsyncClient,
) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 1000 + b"]" * 1000).rstrip(b"=").decode()
    assert await status(client, {"Authorization": f"Bearer {nested}.e30.c2ln"}) == 401


async def test_a_refresh_token_is_no_access_token(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, {"Authorization": f"Bearer {tokens['refresh_token']}"}) == 401


async def test_an_expired_token_is_refused_even_when_it_was_seen_before(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(seconds=tokens["expires_in"] - 1)
    assert await status(client, bearer(tokens)) == 200
    clock.advance(seconds=1)
    assert await status(client, bearer(tokens)) == 401


async def test_the_token_of_a_service_client_is_refused_on_routes_of_people(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, await issued(app, tokens, client_id="another-service")) == 401


async def test_a_token_for_a_session_that_never_was_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, await issued(app, tokens, session_id=new_id())) == 401


@pytest.mark.parametrize("session_id", ["not a uuid", "' OR 1=1", "\0", "0" * 31])
async def test_a_token_whose_session_is_no_id_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], session_id: str
) -> None:
    assert await status(client, await issued(app, tokens, session_id=session_id)) == 401


async def test_a_token_for_the_session_of_somebody_else_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, await issued(app, tokens, subject=new_id())) == 401


async def test_no_token_is_no_caller(app: FastAPI) -> None:
    with pytest.raises(InvalidAccessToken):
        await authenticate(None, app.state.access_tokens, app.state.sessions)


async def test_a_token_of_another_installation_is_refused(
    new_app: AppFactory, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    """Even one that shares the database, and so the keys."""
    async with new_app(issuer="https://other.example.com") as other, client_of(other) as http:
        await http.post("/auth/register", json=credentials)
        theirs = (await http.post("/auth/login", json=credentials)).json()
    assert await status(client, bearer(theirs)) == 401


async def test_the_caller_is_told_how_they_stand_with_their_limit(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get("/users/me", headers=bearer(tokens))
    assert answer.headers["ratelimit-policy"] == '"user";q=600;w=60'


async def test_the_limit_is_one_per_user_over_all_their_sessions(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(rate_limit_user="2/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        one, two = [(await client.post("/auth/login", json=credentials)).json() for _ in range(2)]
        assert [await status(client, bearer(t)) for t in (one, two, one)] == [200, 200, 429]


async def test_a_caller_who_is_not_known_uses_up_no_limit(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(rate_limit_user="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        for _ in range(3):
            assert await status(client, {"Authorization": "Bearer garbage"}) == 401
        assert await status(client, bearer(opened)) == 200


async def caller(app: FastAPI, tokens: dict[str, Any]) -> StoredSession:
    return await authenticate(tokens["access_token"], app.state.access_tokens, app.state.sessions)


async def with_role(app: FastAPI, role: str, user: StoredSession) -> StoredSession:
    """What the dependency gives to a route."""
    route = SimpleNamespace(path="/somewhere")
    request = Request({"type": "http", "app": app, "route": route, "headers": []})
    return await require_role(role)(request, user, ClientInfo())


async def test_who_has_the_role_is_let_through(app: FastAPI, tokens: dict[str, Any]) -> None:
    user = await caller(app, tokens)
    assert await with_role(app, "user", user) is user


async def test_who_lacks_the_role_is_forbidden_and_that_is_written_down(
    app: FastAPI, tokens: dict[str, Any]
) -> None:
    user = await caller(app, tokens)
    with pytest.raises(Forbidden):
        await with_role(app, "admin", user)
    [event] = [event for event in await events(app) if event.action == "access.refused"]
    assert (event.actor_id, event.outcome) == (user.account.id, "failure")
    assert event.details == {"route": "/somewhere"}


async def test_nobody_fills_the_record_by_asking_again(
    app: FastAPI, tokens: dict[str, Any]
) -> None:
    user = await caller(app, tokens)
    for _ in range(15):
        with pytest.raises(Forbidden):
            await with_role(app, "admin", user)
    refused = [event for event in await events(app) if event.action == "access.refused"]
    assert len(refused) == 10


async def test_the_roles_that_count_are_those_in_the_database_now(
    app: FastAPI, tokens: dict[str, Any]
) -> None:
    await change_user(app.state.database, roles=["admin"])
    user = await caller(app, tokens)
    assert await with_role(app, "admin", user) is user
    with pytest.raises(Forbidden):
        await with_role(app, "user", user)


async def test_a_token_that_names_no_session_is_nobodys(
    app: FastAPI, tokens: dict[str, Any]
) -> None:
    access_tokens: AccessTokens = app.state.access_tokens
    token = tokens["access_token"]
    claims = replace(await access_tokens.verify(token), session_id=None)
    access_tokens._verified.remember(token, claims)
    with pytest.raises(InvalidAccessToken):
        await caller(app, tokens)


async def test_a_caller_who_is_only_validated_is_under_no_limit(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(rate_limit_user="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        answers = [await client.get("/auth/validate", headers=bearer(opened)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [204] * 3
