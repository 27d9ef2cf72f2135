"""What surrounds every request: its id and client, the headers of every answer, the last resort."""

import re
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_service.core.errors import DomainError
from auth_service.core.ids import new_id_text
from auth_service.settings import Settings
from auth_service.web.client_ip import client_ip
from auth_service.web.errors import AmbiguousRequest, BodyTooLarge, InternalError
from auth_service.web.http_errors import MalformedHttp
from auth_service.web.metrics import Metrics
from auth_service.web.problems import problem_response
from auth_service.web.rate_limit_policy import rate_limit_headers
from auth_service.web.response_headers import UNLESS_SET, headers_of_every_answer
from auth_service.web.strict_requests import MAXIMUM_BODY_BYTES

log = structlog.get_logger()
CLIENT_CLOSED_REQUEST: Final = 499
"""Logged and counted where nobody was there any more to be answered (a status of nginx's)."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# Fields of which two readers could each take another one (RFC 9110 section 5.3).
_SINGLETONS: Final = frozenset(
    {b"authorization", b"content-type", b"host", b"origin", b"sec-fetch-site"}
)
_MAXIMUM_PARAMETERS: Final = 50


class RequestContext:
    """Gives a request its id and client, and its answer the headers every answer has.

    Effect on the request: ``request.state`` has ``request_id`` and ``client_ip``. Each request is
    logged and counted once. What its head alone is refused for, ``UnexpectedErrors`` answers,
    which stands inside CORS.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics | None) -> None:
        self._app = app
        self._trusted = settings.trusted_proxies
        self._access_log = settings.access_log
        self._metrics = metrics
        self._always = headers_of_every_answer(settings)

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
        self._read_head(scope, state)
        status = CLIENT_CLOSED_REQUEST

        async def send_completed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                self._complete(message, state)
            await send(message)

        # Never taken back: each request has a task, and so a context, of its own.
        structlog.contextvars.bind_contextvars(request_id=state["request_id"])
        try:
            await self._app(scope, receive, send_completed)
        finally:
            self._account_for(scope, status, perf_counter() - started)

    def _read_head(self, scope: Scope, state: dict[str, Any]) -> None:
        """Note the request's id, its client, and what it is refused for."""
        request_id, forwarded_for = None, []
        refusal: DomainError | None = None
        once: set[bytes] = set()
        for name, value in scope["headers"]:
            if name in _SINGLETONS:
                if name in once:
                    refusal = AmbiguousRequest(f"The header {name.decode()} stands twice.")
                once.add(name)
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                request_id = value.decode("ascii")
            elif name == b"x-forwarded-for":
                forwarded_for.append(value.decode("latin-1"))
            elif name == b"content-length" and _is_too_large(value):
                refusal = BodyTooLarge()
        if b"host" not in once and scope.get("http_version") == "1.1":
            refusal = MalformedHttp("The header Host is missing (RFC 9112 section 3.2).")
        if scope["query_string"] and _has_repeated_parameter(scope["query_string"]):
            refusal = AmbiguousRequest("A query parameter stands twice.")
        state["refusal"] = refusal
        state["request_id"] = request_id or new_id_text()
        peer = scope["client"][0] if scope.get("client") else None
        state["client_ip"] = client_ip(peer, forwarded_for, self._trusted)

    def _complete(self, message: Message, state: dict[str, Any]) -> None:
        headers = message.setdefault("headers", [])
        present = dict(headers)
        headers.append((b"x-request-id", state["request_id"].encode("ascii")))
        headers += self._always
        for item in UNLESS_SET:
            if item[0] not in present:
                headers.append(item)
        standing = state.get("rate_limit")
        if standing is not None:
            headers.extend(rate_limit_headers(standing))

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


def _is_too_large(content_length: bytes) -> bool:
    return content_length.isdigit() and int(content_length[:20]) > MAXIMUM_BODY_BYTES


def _has_repeated_parameter(query: bytes) -> bool:
    """Whether a parameter stands twice, or there are more than any route could have."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAXIMUM_PARAMETERS
        )
    except ValueError:
        return True
    return len({name for name, _ in pairs}) != len(pairs)


class UnexpectedErrors:
    """The last resort: what nobody foresaw becomes a 500 in our form, and a log line with a trace.

    It stands inside CORS, so that a page can read the answer; so it also gives the answer to a
    request whose head is refused (``RequestContext``).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = scope["state"]["refusal"]
        if refusal is not None:
            await problem_response(scope, refusal)(scope, receive, send)
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
