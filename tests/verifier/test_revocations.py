"""Following the list of revocations: a ban reaches a service within seconds, without asking."""

import asyncio
import json
from concurrent.futures import Future
from typing import Any

import pytest

from auth_service.verifier import (
    ClientCredentials,
    InvalidTokenError,
    IssuerUnavailableError,
    RevocationFeed,
    RevocationsUnavailableError,
    TokenVerifier,
    revocations,
)
from tests.verifier.conftest import NewVerifier, Ticks
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer, Request, until, with_etag
from tests.verifier.token_maker import NOW

CLIENT = ClientCredentials("gateway", "secret")
TOKEN = KEY.token(sid="a-session", jti="a-token", client_id="auth-service")
EMPTY: dict[str, Any] = {"sessions": [], "users": [], "clients": [], "tokens": []}


@pytest.fixture
def verifier(new_verifier: NewVerifier, issuer: LoopbackIssuer) -> TokenVerifier:
    """A verifier that has its keys, and asks for the list with its next token."""
    found = new_verifier(
        revocations=RevocationFeed(CLIENT, interval=5, longest_staleness=60), timeout=2
    )
    with pytest.raises(IssuerUnavailableError):
        found.verify_sync(TOKEN)  # the keys came in place of the list
    issuer.requests.clear()
    return found


def say(issuer: LoopbackIssuer, **changes: Any) -> None:
    answer = EMPTY | {"keep_seconds": 960, "cursor": "c1", "more": False} | changes
    issuer.body = json.dumps(answer).encode()


def header_of(request: Request, wanted: str) -> str | None:
    return {name.lower(): value for name, value in request.headers.items()}.get(wanted)


def is_refused(verifier: TokenVerifier, token: str = TOKEN) -> bool:
    try:
        verifier.verify_sync(token)
    except InvalidTokenError as refusal:
        return refusal.check == "revoked"
    return False


def test_a_token_nothing_is_said_of_passes(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer)
    assert not is_refused(verifier)
    (request,) = issuer.requests
    assert request.path == "/.well-known/revocations"
    assert header_of(request, "authorization") == CLIENT.as_basic()


@pytest.mark.parametrize(
    "said",
    [
        {"sessions": ["a-session"]},
        {"tokens": ["a-token"]},
        {"clients": ["auth-service"]},
        {"users": [{"id": "somebody", "not_before": NOW}]},
    ],
)
async def test_a_revoked_token_is_refused_though_it_was_verified_before(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks, said: dict[str, Any]
) -> None:
    ticks.advance(5)
    say(issuer)
    assert not is_refused(verifier)
    say(issuer, **said)
    ticks.advance(10)
    assert is_refused(verifier)
    with pytest.raises(InvalidTokenError, match="revoked"):
        await verifier.verify(TOKEN)


def test_a_token_that_was_issued_after_a_change_passes(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    issued_at = NOW - 10
    token = KEY.token(iat=issued_at, sid="new")
    say(issuer, users=[{"id": "somebody", "not_before": issued_at - 1}])
    assert not is_refused(verifier, token)
    assert is_refused(verifier, KEY.token(iat=issued_at - 1, sid="old"))


def test_the_list_is_gone_on_with_and_kept_for_as_long_as_it_counts(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer, sessions=["a-session"], keep_seconds=100)
    assert is_refused(verifier)
    say(issuer, cursor="c2", keep_seconds=100)
    ticks.advance(10)
    assert is_refused(verifier)
    assert issuer.requests[-1].path.endswith("/revocations?cursor=c1")
    ticks.advance(101)
    assert not is_refused(verifier)


def test_parts_of_a_list_are_asked_for_at_once(
    verifier: TokenVerifier,
    issuer: LoopbackIssuer,
    ticks: Ticks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revocations, "_MOST_PAGES", 3)
    ticks.advance(5)
    say(issuer, more=True)
    assert not is_refused(verifier)
    assert issuer.fetches == 3


def test_within_the_interval_nobody_asks_and_then_nobody_waits(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer)
    for _ in range(10):
        assert not is_refused(verifier)
    assert issuer.fetches == 1
    say(issuer, sessions=["a-session"])
    ticks.advance(6)
    is_refused(verifier)  # begins to ask, in the background
    until(lambda: issuer.fetches == 2)
    until(lambda: is_refused(verifier))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (401, b"{}"),
        (403, b"{}"),
        (200, b"no json"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"sessions": [], "users": [1], "clients": [], "tokens": []}'),
    ],
)
def test_while_there_is_no_list_the_last_one_serves_and_then_nothing_can_be_said(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks, status: int, body: bytes
) -> None:
    ticks.advance(5)
    say(issuer, sessions=["a-session"])
    assert is_refused(verifier)
    issuer.status, issuer.body = status, body
    ticks.advance(20)
    assert is_refused(verifier)
    assert not is_refused(verifier, KEY.token(sid="another"))
    ticks.advance(50)
    with pytest.raises(RevocationsUnavailableError) as unavailable:
        verifier.verify_sync(TOKEN)
    assert 1 <= unavailable.value.retry_after <= 60


@pytest.mark.parametrize(("interval", "staleness"), [(0, 10), (-1, 10), (10, 5)])
def test_durations_that_make_no_sense_are_refused(
    new_verifier: NewVerifier, interval: float, staleness: float
) -> None:
    with pytest.raises(ValueError, match="makes no sense"):
        new_verifier(
            revocations=RevocationFeed(CLIENT, interval=interval, longest_staleness=staleness)
        )


async def test_many_at_once_ask_once(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer)
    await asyncio.gather(*(verifier.verify(TOKEN) for _ in range(50)))
    assert issuer.fetches == 1


def test_a_list_that_has_not_changed_is_not_sent_again(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer, sessions=["a-session"])
    issuer.answer = with_etag(issuer, '"one"')
    for _ in range(4):
        assert is_refused(verifier)
        ticks.advance(10)
    assert [header_of(request, "if-none-match") for request in issuer.requests] == [
        None,
        None,
        '"one"',
        '"one"',
    ]


def test_an_answer_that_says_nothing_new_unasked_is_none(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    issuer.status = 304
    with pytest.raises(RevocationsUnavailableError):
        verifier.verify_sync(TOKEN)


def test_after_a_fork_nobody_waits_for_a_fetch_that_stayed_with_the_parent(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks
) -> None:
    ticks.advance(5)
    say(issuer)
    followed = verifier._revocations
    assert followed is not None
    followed._process, followed._under_way = -1, Future()
    assert not is_refused(verifier)
