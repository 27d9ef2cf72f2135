"""An issuer on the loopback address: serves keys, counts requests, misbehaves on demand."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.verifier.token_maker import CLAIMS, KID, PRIVATE, base64url

PATIENCE_SECONDS: Final = 20


class IssuerKey:
    """A signing key and what is made with it."""

    def __init__(self, kid: str, private: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.kid = kid
        self.private = private or ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **changes: Any) -> dict[str, Any]:
        point = self.private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": base64url(point.x.to_bytes(32, "big")),
            "y": base64url(point.y.to_bytes(32, "big")),
            "kid": self.kid,
            "alg": "ES256",
            "use": "sig",
        } | changes

    def token(self, **claims: Any) -> str:
        header = {"alg": "ES256", "kid": self.kid, "typ": "at+jwt"}
        parts = (json.dumps(header).encode(), json.dumps(CLAIMS | claims).encode())
        signing_input = ".".join(map(base64url, parts))
        der = self.private.sign(signing_input.encode(), ec.ECDSA(SHA256()))
        raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
        return f"{signing_input}.{base64url(raw)}"


KEY: Final = IssuerKey(KID, PRIVATE)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[BaseHTTPRequestHandler], None]


class LoopbackIssuer:
    """``gate`` holds every answer back while it is closed; ``answer`` replaces it altogether."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self.gate = threading.Event()
        self.gate.set()
        self.status = 200
        self.headers: dict[str, str] = {"Cache-Control": "max-age=300"}
        self.body = b""
        self.answer: Answering = self.answer_plainly
        self.publish(KEY)

    def publish(self, *keys: IssuerKey) -> None:
        self.publish_jwks([key.jwk() for key in keys])

    def publish_jwks(self, jwks: list[Any]) -> None:
        self.body = json.dumps({"keys": jwks}).encode()

    @property
    def fetches(self) -> int:
        return len(self.requests)

    def until_asked(self, times: int = 1) -> None:
        until(lambda: self.fetches >= times)

    def answer_plainly(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)


def until(true: Callable[[], bool]) -> None:
    """Wait for something another thread is about to do."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def with_etag(issuer: LoopbackIssuer, etag: str) -> Answering:
    """As a server that knows `If-None-Match`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers["If-None-Match"] == etag:
            handler.send_response(304)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        issuer.headers["ETag"] = etag
        issuer.answer_plainly(handler)

    return answer


def dripping(prefix: bytes) -> Answering:
    """A byte at a time, each of them soon enough, without an end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(prefix)
        for _ in range(PATIENCE_SECONDS * 50):
            handler.wfile.write(b"x")
            time.sleep(0.02)

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Print nothing: a client that hangs up is what some tests are about."""


@contextmanager
def running_issuer(tls: ssl.SSLContext | None = None) -> Iterator[LoopbackIssuer]:
    """Serve until the block ends."""
    server = _Server(("127.0.0.1", 0), BaseHTTPRequestHandler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer = LoopbackIssuer(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            issuer.requests.append(
                Request(self.command, self.path, dict(self.headers.items()), body)
            )
            issuer.gate.wait(PATIENCE_SECONDS)
            try:
                issuer.answer(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
