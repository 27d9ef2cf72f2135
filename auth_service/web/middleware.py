"""What surrounds every request: its id and client, the headers of every answer, the last resort."""

import re
from time import perf_counter
from typing import Any, Final

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_service.core.ids import new_id_text
from auth_service.settings import Settings
from auth_service.web.client_ip import client_ip
from auth_service.web.errors import BodyTooLarge, InternalError, OriginNotAllowed
from auth_service.web.metrics import Metrics
from auth_service.web.problems import problem_response
from auth_service.web.rate_limit_policy import rate_limit_headers
from auth_service.web.strict_requests import MAXIMUM_BODY_BYTES

log = structlog.get_logger()
CLIENT_CLOSED_REQUEST: Final = 499
"""Logged and counted where nobody was there any more to be answered (a status of nginx's)."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_UNLESS_SET: Final = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class RequestContext:
    """Gives a request its id and client, and its answer the headers every answer has.

    Effect on the request: ``request.state`` has ``request_id`` and ``client_ip``. A body that says
    it is too large is refused unread. Each request is logged and counted once.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics | None) -> None:
        self._app = app
        self._trusted = settings.trusted_proxies
        self._access_log = settings.access_log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        if scope["method"] == "HEAD":
            # RFC 9110 section 9.3.2: as GET. The server leaves the body out of what it sends.
            scope = {**scope, "method": "GET"}
        state = scope.setdefault("state", {})
        too_large = self._read_headers(scope, state)
        status = CLIENT_CLOSED_REQUEST

        async def send_completed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _complete(message, state)
            await send(message)

        # Never taken back: each request has a task, and so a context, of its own.
        structlog.contextvars.bind_contextvars(request_id=state["request_id"])
        try:
            if too_large:
                await problem_response(scope, BodyTooLarge())(scope, receive, send_completed)
            else:
                await self._app(scope, receive, send_completed)
        finally:
            self._account_for(scope, status, perf_counter() - started)

    def _read_headers(self, scope: Scope, state: dict[str, Any]) -> bool:
        """Note the request's id and client; answer whether its body says it is too large."""
        request_id, forwarded_for, too_large = None, [], False
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                request_id = value.decode("ascii")
            elif name == b"x-forwarded-for":
                forwarded_for.append(value.decode("latin-1"))
            elif name == b"content-length":
                too_large = value.isdigit() and int(value[:20]) > MAXIMUM_BODY_BYTES
        state["request_id"] = request_id or new_id_text()
        peer = scope["client"][0] if scope.get("client") else None
        state["client_ip"] = client_ip(peer, forwarded_for, self._trusted)
        return too_large

    def _account_for(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None)
        if self._metrics is not None:
            self._metrics.count_request(scope["method"], route, status, seconds)
        if self._access_log:
            log.info(
                "request",
                method=scope["method"],
                path=scope.get("raw_path", b"").decode("ascii", "backslashreplace"),
                status=status,
                milliseconds=round(seconds * 1000, 1),
                client=scope["state"]["client_ip"],
            )


def _complete(message: Message, state: dict[str, Any]) -> None:
    headers = message.setdefault("headers", [])
    present = dict(headers)
    headers.append((b"x-request-id", state["request_id"].encode("ascii")))
    headers += _ALWAYS
    for item in _UNLESS_SET:
        if item[0] not in present:
            headers.append(item)
    standing = state.get("rate_limit")
    if standing is not None:
        headers.extend(rate_limit_headers(standing))


class UnexpectedErrors:
    """The last resort: what nobody foresaw becomes a 500 in our form, and a log line with a trace.

    It stands inside CORS, so that a page can read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            log.debug("client_went_away")
        except Exception:
            log.exception("unexpected_error")
            if started:
                raise
            await problem_response(scope, InternalError())(scope, receive, send)


class Cors(CORSMiddleware):
    """Cross-origin requests from ``AUTH_CORS_ORIGINS``; a refused preflight is a problem, too."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            # The wildcard, which production refuses, never goes together with credentials.
            allow_credentials="*" not in settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "X-Request-ID"],
            expose_headers=[
                "ETag",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
                "WWW-Authenticate",
                "X-Request-ID",
            ],
        )
        self._answering_app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; a preflight is answered here."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._preflight(scope, headers)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _preflight(self, scope: Scope, headers: Headers) -> Response:
        response = self.preflight_response(headers)
        if response.status_code == 200:  # noqa: PLR2004 - a preflight is granted with just this
            return response
        return problem_response(scope, OriginNotAllowed())
