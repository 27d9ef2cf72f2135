"""Access tokens: what they say, how long, and that what was issued verifies."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.ids import new_id
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.service import AccessToken, Bearer
from tests.conftest import AppFactory, bearer, client_of
from tests.moving_clock import MovingClock

CLAIMS = {
    "iss": str,
    "sub": str,
    "aud": str,
    "exp": int,
    "iat": int,
    "jti": str,
    "client_id": str,
    "sid": str,
    "auth_time": int,
    "amr": list,
    "roles": list,
    "email_verified": bool,
}


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


async def issue(app: FastAPI, clock: MovingClock, **not_after: float) -> AccessToken:
    holder = Bearer(
        subject=new_id(),
        session_id=new_id(),
        client_id="auth-service",
        auth_time=clock.now() - timedelta(hours=1),
        amr=["pwd"],
        roles=["user", "café"],
        email_verified=True,
    )
    token: AccessToken = await app.state.access_tokens.issue(
        holder, not_after=clock.now() + timedelta(**(not_after or {"days": 1}))
    )
    return token


async def test_the_claims_are_those_of_rfc_9068_and_no_others(tokens: dict[str, Any]) -> None:
    claims = part(tokens["access_token"], 1)
    assert {name: type(value) for name, value in claims.items()} == CLAIMS


async def test_the_claims_are_about_the_login(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    claims = part(tokens["access_token"], 1)
    me = (await client.get("/users/me", headers=bearer(tokens))).json()
    now = int(clock.now().timestamp())
    assert UUID(claims.pop("jti")).version == 7
    assert claims == {
        "iss": "http://localhost:8000",
        "aud": "http://localhost:8000",
        "sub": me["id"],
        "exp": now + 900,
        "iat": now,
        "client_id": "auth-service",
        "sid": tokens["session_id"],
        "auth_time": now,
        "amr": ["pwd"],
        "roles": ["user"],
        "email_verified": False,
    }


async def test_the_time_of_the_login_stays_after_a_refresh(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    logged_in_at = int(clock.now().timestamp())
    clock.advance(hours=1)
    body = {"refresh_token": tokens["refresh_token"]}
    claims = part((await client.post("/auth/refresh", json=body)).json()["access_token"], 1)
    assert claims["auth_time"] == logged_in_at
    assert claims["iat"] == logged_in_at + 3600


async def test_no_two_tokens_have_the_same_id(app: FastAPI, clock: MovingClock) -> None:
    ids = {part((await issue(app, clock)).token, 1)["jti"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_the_header_has_algorithm_key_and_type(
    new_app: AppFactory, clock: MovingClock, algorithm: str
) -> None:
    async with new_app(jwt_algorithm=algorithm) as app:
        keys = await app.state.signing_keys.get()
        header = part((await issue(app, clock)).token, 0)
    assert header == {"alg": algorithm, "kid": keys.signer.kid, "typ": "at+jwt"}


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_what_was_issued_verifies(
    new_app: AppFactory, clock: MovingClock, algorithm: str
) -> None:
    async with new_app(jwt_algorithm=algorithm) as app:
        claims = await app.state.access_tokens.verify((await issue(app, clock)).token)
    assert claims.roles == ("user", "café")
    assert claims.email_verified is True


async def test_a_token_of_the_other_algorithm_is_refused_once_the_setting_changes(
    new_app: AppFactory, clock: MovingClock
) -> None:
    async with new_app(jwt_algorithm="ES256") as app:
        es256 = (await issue(app, clock)).token
    async with new_app(jwt_algorithm="RS256") as app:
        with pytest.raises(InvalidAccessToken):
            await app.state.access_tokens.verify(es256)
    async with new_app(jwt_algorithm="ES256") as app:
        await app.state.access_tokens.verify(es256)


async def test_a_changed_token_is_refused_and_not_told_why(
    app: FastAPI, clock: MovingClock
) -> None:
    token = (await issue(app, clock)).token
    with pytest.raises(InvalidAccessToken) as refusal:
        await app.state.access_tokens.verify(token[:-2])
    assert refusal.value.detail == InvalidAccessToken.title


async def test_a_token_that_was_remembered_is_refused_when_it_has_expired(
    app: FastAPI, clock: MovingClock
) -> None:
    token = (await issue(app, clock)).token
    first = await app.state.access_tokens.verify(token)
    assert await app.state.access_tokens.verify(token) is first
    clock.advance(seconds=900)
    with pytest.raises(InvalidAccessToken):
        await app.state.access_tokens.verify(token)


@pytest.mark.parametrize(("left", "expected"), [(86_400, 900), (900, 900), (899, 899), (60, 60)])
async def test_a_token_never_outlives_its_session(
    app: FastAPI, clock: MovingClock, left: int, expected: int
) -> None:
    clock.advance(microseconds=-clock.now().microsecond)
    issued = await issue(app, clock, seconds=left)
    claims = part(issued.token, 1)
    assert issued.expires_in == claims["exp"] - claims["iat"] == expected


async def test_a_token_issued_in_the_last_moment_is_good_for_a_second(
    app: FastAPI, clock: MovingClock
) -> None:
    assert (await issue(app, clock, microseconds=1)).expires_in == 1


async def test_issuer_audience_and_lifetime_are_those_of_the_settings(
    new_app: AppFactory, clock: MovingClock
) -> None:
    async with new_app(
        issuer="https://auth.example.com/", audience="https://api.example.com", access_token_ttl=60
    ) as app:
        claims = part((await issue(app, clock)).token, 1)
    assert (claims["iss"], claims["aud"]) == ("https://auth.example.com", "https://api.example.com")
    assert claims["exp"] - claims["iat"] == 60


async def test_a_token_for_another_audience_is_refused(
    new_app: AppFactory, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    async with new_app(audience="https://other.example.com") as other, client_of(other) as http:
        await http.post("/auth/register", json=credentials)
        theirs = (await http.post("/auth/login", json=credentials)).json()
    assert (await client.get("/users/me", headers=bearer(theirs))).status_code == 401
