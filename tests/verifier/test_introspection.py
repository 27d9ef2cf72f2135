"""Asking the issuer for the truth of this moment: only a clear yes is one."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from auth_service.verifier import (
    ClientCredentials,
    IntrospectionUnavailableError,
    InvalidTokenError,
    IssuerUnavailableError,
    TokenVerifier,
)
from tests.verifier.conftest import NewVerifier
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer, dripping

TOKEN = KEY.token(roles=["user", "admin"], scope="read write", email_verified=False)


@pytest.fixture
def live(new_verifier: NewVerifier, issuer: LoopbackIssuer) -> TokenVerifier:
    """A verifier that has its keys already."""
    verifier = new_verifier(introspection=ClientCredentials("client", "secret"), timeout=2)
    verifier.verify_sync(KEY.token(jti="first"))
    issuer.requests.clear()
    say(issuer, active=True)
    return verifier


def say(issuer: LoopbackIssuer, **answer: Any) -> None:
    issuer.body = json.dumps(answer).encode()


async def test_a_live_token_passes(live: TokenVerifier, issuer: LoopbackIssuer) -> None:
    claims = await live.verify_live(TOKEN)
    assert claims == live.verify_sync(TOKEN)
    (request,) = issuer.requests
    assert (request.method, request.path) == ("POST", "/oauth/introspect")
    assert parse_qs(request.body.decode())["token"] == [TOKEN]


def test_a_live_token_passes_without_an_event_loop(live: TokenVerifier) -> None:
    assert live.verify_live_sync(TOKEN).subject == "somebody"


async def test_the_issuer_is_asked_every_time(live: TokenVerifier, issuer: LoopbackIssuer) -> None:
    await live.verify_live(TOKEN)
    say(issuer, active=False)
    with pytest.raises(InvalidTokenError, match="inactive"):
        await live.verify_live(TOKEN)
    with pytest.raises(InvalidTokenError, match="inactive"):
        await asyncio.to_thread(live.verify_live_sync, TOKEN)
    assert issuer.fetches == 3


@pytest.mark.parametrize(
    ("client_id", "secret", "pair"),
    [
        ("client", "secret", b"client:secret"),
        ("a:b", "c d/+&=%", b"a%3Ab:c+d%2F%2B%26%3D%25"),
        ("é", "日", b"%C3%A9:%E6%97%A5"),
    ],
)
def test_the_credentials_are_encoded_as_forms_are(client_id: str, secret: str, pair: bytes) -> None:
    encoded = ClientCredentials(client_id, secret).as_basic().removeprefix("Basic ")
    assert base64.b64decode(encoded) == pair


def test_the_credentials_are_sent(live: TokenVerifier, issuer: LoopbackIssuer) -> None:
    live.verify_live_sync(TOKEN)
    assert issuer.requests[0].headers["Authorization"] == "Basic Y2xpZW50OnNlY3JldA=="


def test_the_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(ClientCredentials("client", "hunter2"))


async def test_a_token_that_fails_the_check_is_not_asked_about(
    live: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    with pytest.raises(InvalidTokenError, match="aud"):
        await live.verify_live(KEY.token(aud="another"))
    assert issuer.fetches == 0


async def test_what_changes_while_a_token_lives_is_as_the_issuer_says_now(
    live: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    say(issuer, active=True, roles=["user"], scope="read", email_verified=True, sub="another")
    claims = await live.verify_live(TOKEN)
    assert (claims.roles, claims.scopes, claims.email_verified) == (("user",), ("read",), True)
    assert claims.subject == "somebody"
    assert live.verify_sync(TOKEN).roles == ("user", "admin"), "the token still says so"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"true",
        b"null",
        b"[]",
        b"{}",
        b'{"active": "true"}',
        b'{"active": 1}',
        b'{"active": null}',
        b'{"active": false, "active": true}',
        b'{"active": true',
        b"<html>",
        b"\xff",
        b'{"active": true, "roles": "admin"}',
        b'{"active": true, "scope": null}',
        b'{"active": true, "x": "' + b"x" * 70_000 + b'"}',
    ],
)
async def test_an_answer_that_is_not_clear_is_no_yes(
    live: TokenVerifier, issuer: LoopbackIssuer, body: bytes
) -> None:
    issuer.body = body
    with pytest.raises(IntrospectionUnavailableError):
        await live.verify_live(TOKEN)


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 403, 404, 429, 500, 503])
async def test_any_status_but_ok_is_no_yes(
    live: TokenVerifier, issuer: LoopbackIssuer, status: int
) -> None:
    issuer.status = status
    with pytest.raises(IssuerUnavailableError):
        await live.verify_live(TOKEN)
    with pytest.raises(IssuerUnavailableError):
        await asyncio.to_thread(live.verify_live_sync, TOKEN)


async def test_credentials_that_are_not_accepted_are_told_apart(
    live: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.status = 401
    with pytest.raises(IntrospectionUnavailableError, match="credentials"):
        await live.verify_live(TOKEN)


async def test_an_issuer_that_cannot_be_reached_says_nothing(new_verifier: NewVerifier) -> None:
    live = new_verifier(
        introspection=ClientCredentials("client", "secret"),
        introspection_url="http://127.0.0.1:1/oauth/introspect",
    )
    with pytest.raises(IntrospectionUnavailableError, match="ConnectError"):
        await live.verify_live(TOKEN)


async def test_an_answer_that_drips_is_given_up(
    new_verifier: NewVerifier, issuer: LoopbackIssuer
) -> None:
    live = new_verifier(introspection=ClientCredentials("client", "secret"), timeout=0.3)
    await live.verify(TOKEN)
    issuer.answer = dripping(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(IntrospectionUnavailableError, match="Timeout"):
        await live.verify_live(TOKEN)


async def test_many_tokens_are_asked_about_at_once(
    live: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    await asyncio.gather(*(live.verify_live(TOKEN) for _ in range(20)))
    assert issuer.fetches == 20


async def test_a_verifier_without_credentials_cannot_ask(verifier: TokenVerifier) -> None:
    with pytest.raises(RuntimeError, match="introspection"):
        await verifier.verify_live(TOKEN)
    with pytest.raises(RuntimeError, match="introspection"):
        verifier.verify_live_sync(TOKEN)
