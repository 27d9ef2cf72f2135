"""Whatever the issuer's address answers, no more comes of it than a failed fetch."""

import asyncio
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from auth_service.verifier import KeysUnavailableError, TokenVerifier
from auth_service.verifier.issuer_http import MAXIMUM_ANSWER_BYTES
from tests.verifier.conftest import NewVerifier, Ticks
from tests.verifier.loopback_issuer import (
    KEY,
    Answering,
    IssuerKey,
    LoopbackIssuer,
    dripping,
    until,
)

PADDING = " " * MAXIMUM_ANSWER_BYTES
LASTING = KEY.token(exp=2_000_000_000)


def redirecting(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def hanging_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"keys": [')
    handler.close_connection = True


def not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.close_connection = True


def bodies() -> list[bytes]:
    good = KEY.jwk()
    return [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": "abc"}',
        b'{"keys": [1, null, "a", []]}',
        b'{"keys": [], "keys": [' + json.dumps(good).encode() + b"]}",
        b"\xff" + json.dumps({"keys": [good]}).encode(),
        b'{"keys": ' + b"[" * 9000 + b"]" * 9000 + b"}",
        json.dumps({"keys": [good]}).encode() + PADDING.encode(),
        json.dumps({"keys": [good, IssuerKey(KEY.kid).jwk()]}).encode(),
        json.dumps({"keys": [good | {"use": "enc"}]}).encode(),
    ]


@pytest.mark.parametrize("body", bodies(), ids=range(len(bodies())))
def test_a_document_that_is_no_key_set_keeps_the_known_keys(
    verifier: TokenVerifier, issuer: LoopbackIssuer, ticks: Ticks, body: bytes
) -> None:
    claims = verifier.verify_sync(LASTING)
    issuer.body = body
    ticks.advance(600)
    assert verifier.verify_sync(LASTING) == claims
    assert issuer.fetches == 2


@pytest.mark.parametrize("body", bodies(), ids=range(len(bodies())))
def test_a_document_that_is_no_key_set_gives_no_keys(
    verifier: TokenVerifier, issuer: LoopbackIssuer, body: bytes
) -> None:
    issuer.body = body
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 429, 500, 503])
def test_any_status_but_ok_is_a_failure(
    verifier: TokenVerifier, issuer: LoopbackIssuer, status: int
) -> None:
    issuer.status = status
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)


@pytest.mark.parametrize("answer", [redirecting, hanging_up, cut_short, not_http])
def test_an_answer_that_is_none_is_a_failure(
    verifier: TokenVerifier, issuer: LoopbackIssuer, answer: Answering
) -> None:
    issuer.answer = answer
    with pytest.raises(KeysUnavailableError):
        verifier.verify_sync(LASTING)
    assert [r.path for r in issuer.requests] == ["/.well-known/jwks.json"]


def test_a_compressed_document_is_not_unpacked(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.headers["Content-Encoding"] = "gzip"
    issuer.body = b"\x1f\x8b" + issuer.body
    with pytest.raises(KeysUnavailableError, match="packed"):
        verifier.verify_sync(LASTING)
    assert issuer.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
    ],
)
def test_an_answer_that_drips_is_given_up_after_the_whole_timeout(
    new_verifier: NewVerifier, issuer: LoopbackIssuer, prefix: bytes
) -> None:
    issuer.answer = dripping(prefix)
    verifier = new_verifier(timeout=0.3)
    with pytest.raises(KeysUnavailableError, match="Timeout"):
        verifier.verify_sync(LASTING)


def test_an_issuer_that_does_not_answer_is_given_up(
    new_verifier: NewVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.gate.clear()
    with pytest.raises(KeysUnavailableError, match="Timeout"):
        new_verifier(timeout=0.2).verify_sync(LASTING)


def test_an_address_where_nobody_listens_is_a_failure(new_verifier: NewVerifier) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/jwks.json"
        with pytest.raises(KeysUnavailableError, match="ConnectError"):
            new_verifier(jwks_url=url).verify_sync(LASTING)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:99999/", "http://\0/"])
def test_an_address_that_is_none_is_a_failure_and_nothing_worse(
    new_verifier: NewVerifier, url: str
) -> None:
    with pytest.raises(KeysUnavailableError):
        new_verifier(jwks_url=url).verify_sync(LASTING)


def test_a_fault_of_the_client_itself_is_a_failure(new_verifier: NewVerifier) -> None:
    def no_client() -> httpx.AsyncClient:
        raise LookupError

    with pytest.raises(KeysUnavailableError, match="LookupError"):
        new_verifier(new_client=no_client).verify_sync(LASTING)


def test_where_no_event_loop_can_be_made_the_fetch_has_failed(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise OSError("Too many open files")

    monkeypatch.setattr(asyncio.events, "new_event_loop", refuse)
    with pytest.raises(KeysUnavailableError, match="Too many open files"):
        verifier.verify_sync(LASTING)


def test_a_client_of_one_s_own_is_used(new_verifier: NewVerifier, issuer: LoopbackIssuer) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=issuer.body)

    def new_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True)

    asked: list[str] = []
    verifier = new_verifier(jwks_url="https://keys.example.com/set", new_client=new_client)
    assert verifier.verify_sync(LASTING).subject == "somebody"
    assert asked == ["https://keys.example.com/set"]
    assert issuer.fetches == 0


def test_the_thread_of_a_fetch_ends_with_it(verifier: TokenVerifier) -> None:
    def fetching() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name == "auth-service-verifier"]

    verifier.verify_sync(LASTING)
    until(lambda: fetching() == [])
