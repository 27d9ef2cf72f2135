"""What surrounds every request: its id, the headers of every answer, the last resort."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from auth_service.settings import Settings
from auth_service.web.middleware import RequestContext, UnexpectedErrors
from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.running_server import NewServer

ORIGIN = "https://app.example.com"
RIGHT = {"email": "ada@example.com", "password": PASSWORD}
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "success": ("GET", "/healthz", {}),
    "not found": ("GET", "/nowhere", {}),
    "method": ("GET", "/auth/login", {}),
    "too large": ("POST", "/auth/login", {"content": b"a" * 16385}),
    "unsupported": ("POST", "/auth/login", {"content": b"a"}),
    "invalid": ("POST", "/auth/login", {"json": {}}),
    "unauthenticated": ("GET", "/users/me", {}),
    "no content": ("POST", "/auth/logout", {}),
    "oauth": ("POST", "/oauth/token", {}),
    "unexpected": ("GET", "/raises", {}),
    "preflight": (
        "OPTIONS",
        "/auth/login",
        {"headers": {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}},
    ),
    "refused preflight": (
        "OPTIONS",
        "/auth/login",
        {"headers": {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}},
    ),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


@pytest.fixture
async def open_client(new_app: AppFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that pages of one origin may call, with a route that fails."""
    async with new_app(cors_origins=[ORIGIN]) as app, client_of(app) as client:

        @app.get("/raises")
        async def raises() -> None:
            raise RuntimeError("nobody foresaw this")

        yield client


@pytest.mark.parametrize("kind", KINDS)
async def test_every_answer_has_the_security_headers_and_an_id(
    open_client: httpx.AsyncClient, kind: str
) -> None:
    method, path, options = KINDS[kind]
    answer = await open_client.request(method, path, **options)
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert answer.headers["cache-control"] == "no-store"
    assert UUID(answer.headers["x-request-id"]).version == 7
    assert "server" not in answer.headers


async def test_transport_security_is_strict_where_the_issuer_is_https(
    new_app: AppFactory, open_client: httpx.AsyncClient
) -> None:
    name = "strict-transport-security"
    assert name not in (await open_client.get("/healthz")).headers
    async with new_app(issuer="https://auth.example.com") as app, client_of(app) as http:
        for path in ("/healthz", "/nowhere", "/docs"):
            answer = await http.get(path)
            assert answer.headers[name] == "max-age=31536000; includeSubDomains"


async def test_what_the_head_is_refused_for_can_be_read_by_a_page(
    open_client: httpx.AsyncClient,
) -> None:
    headers = {"Origin": ORIGIN}
    large = await open_client.post("/auth/login", content=b"a" * 16385, headers=headers)
    assert (large.status_code, large.headers["access-control-allow-origin"]) == (413, ORIGIN)
    twice = await open_client.get("/healthz?a=1&a=2", headers=headers)
    assert (twice.status_code, twice.headers["access-control-allow-origin"]) == (400, ORIGIN)


@pytest.mark.parametrize(
    "name", ["Authorization", "Host", "Content-Type", "Origin", "Sec-Fetch-Site"]
)
@pytest.mark.parametrize("values", [("a", "b"), ("a", "a")])
async def test_a_field_that_may_stand_once_is_refused_when_it_stands_twice(
    client: httpx.AsyncClient, name: str, values: tuple[str, str]
) -> None:
    answer = await client.get("/healthz", headers=[(name, value) for value in values])
    assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous_request")


@pytest.mark.parametrize("query", ["limit=1&limit=1", "limit=1&%6cimit=2", "a&a", "a=1&" * 60])
async def test_a_repeated_parameter_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/healthz?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous_request")


async def test_a_request_names_its_host(client: httpx.AsyncClient) -> None:
    async def head_without_host(version: str) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "http_version": version,
            "method": "GET",
            "path": "/healthz",
            "raw_path": b"/healthz",
            "query_string": b"",
            "headers": [],
            "client": ("192.0.2.1", 1),
        }
        await client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
        status: int = sent[0]["status"]
        return status

    assert await head_without_host("1.1") == 400
    assert await head_without_host("1.0") == 200


async def test_no_header_stands_twice(open_client: httpx.AsyncClient) -> None:
    for method, path, options in KINDS.values():
        answer = await open_client.request(method, path, **options)
        names = [name.lower() for name, _ in answer.headers.raw if name.lower() != b"vary"]
        assert len(names) == len(set(names)), (path, names)


@pytest.mark.parametrize("request_id", ["a", "A-z.0_9", "x" * 128])
async def test_a_callers_own_request_id_is_kept(client: httpx.AsyncClient, request_id: str) -> None:
    answer = await client.get("/nowhere", headers={"X-Request-ID": request_id})
    assert answer.headers["x-request-id"] == request_id
    assert answer.json()["request_id"] == request_id


@pytest.mark.parametrize(
    "request_id",
    [b"", b" ", b"a b", b"x" * 129, b"\xe4", b"a\tb", b"<script>", b"a\n", b"a;b", b"\0"],
)
async def test_any_other_request_id_is_replaced(
    client: httpx.AsyncClient, request_id: bytes
) -> None:
    answer = await client.get("/nowhere", headers=[(b"X-Request-ID", request_id)])
    assert UUID(answer.headers["x-request-id"]).version == 7
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_two_requests_have_two_ids(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/healthz")).headers["x-request-id"] for _ in "12"}
    assert len(ids) == 2


async def test_a_running_server_does_not_name_itself(new_server: Any) -> None:
    async with new_server() as server, server.client() as http:
        for path in ("/healthz", "/nowhere", "/users/me"):
            answer = await http.get(path)
            assert "server" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("length", ["16385", "9" * 30])
async def test_a_body_that_says_it_is_too_large_is_refused_unread(
    app: FastAPI, length: str
) -> None:
    answer = await _call(app, [(b"content-length", length.encode())], _never)
    assert answer[0]["status"] == 413
    assert json.loads(answer[1]["body"])["code"] == "body_too_large"


async def test_a_length_that_is_no_number_is_left_to_the_server(app: FastAPI) -> None:
    answer = await _call(app, [(b"content-length", b"many")], _empty)
    assert answer[0]["status"] == 404


async def test_without_a_peer_the_client_is_unknown(app: FastAPI) -> None:
    answer = await _call(app, [], _empty, client=None)
    assert answer[0]["status"] == 404


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_what_nobody_foresaw_is_500_without_any_detail_and_logged_with_its_trace(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    async with new_app(log_format=log_format) as app, client_of(app) as client:

        @app.post("/raises")
        async def raises(body: dict[str, str]) -> None:
            password = body["password"]
            raise LookupError("a detail of ours" if password else "")

        answer = await client.post("/raises", json=RIGHT)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["detail"] == "Something went wrong on our side"
    for detail in ("LookupError", "a detail of ours", "raises", "Traceback"):
        assert detail not in answer.text
    log = capsys.readouterr().out
    for detail in (
        "unexpected_error",
        "LookupError: a detail of ours",
        "in raises",
        answer.headers["x-request-id"],
    ):
        assert detail in log
    assert PASSWORD not in log
    assert RIGHT["email"] not in log


async def test_a_fault_of_the_database_is_logged_without_what_was_written(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(log_level="debug") as app, client_of(app) as client:
        async with app.state.database.engine.begin() as connection:
            await connection.exec_driver_sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        answer = await client.post("/auth/register", json=RIGHT)
    assert answer.status_code == 500
    log = capsys.readouterr().out
    assert "unexpected_error" in log
    for secret in (PASSWORD, RIGHT["email"], "$bcrypt-sha256$"):
        assert secret not in log


async def test_an_answer_that_has_begun_is_not_begun_again(app: FastAPI) -> None:
    @app.get("/half")
    async def half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("the other half is missing")

        return StreamingResponse(pieces())

    sent: list[Message] = []
    with pytest.raises(RuntimeError, match="other half"):
        await _call(app, [], _empty, path="/half", sent=sent)
    assert [message["type"] for message in sent].count("http.response.start") == 1


async def test_a_client_that_leaves_is_no_error(
    app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    async def leave() -> Message:
        return {"type": "http.disconnect"}

    answer = await _call(
        app, [(b"content-type", b"application/json")], leave, "POST", "/auth/login"
    )
    assert answer == []
    assert "unexpected_error" not in capsys.readouterr().out


async def test_what_is_not_http_passes_untouched() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    context = RequestContext(inner, settings=Settings(_env_file=None), metrics=None)
    for app in (context, UnexpectedErrors(inner)):
        await app({"type": "lifespan"}, _never, _ignore)
    assert seen == ["lifespan", "lifespan"]


async def test_each_request_is_logged_once_without_its_query(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(log_format="json") as app, client_of(app) as client:
        answer = await client.get(
            "/users/me?token=secret", headers=bearer({"access_token": "secret"})
        )
    log = capsys.readouterr().out
    (line,) = [json.loads(line) for line in log.splitlines() if '"event": "request"' in line]
    assert "secret" not in log
    assert line["milliseconds"] >= 0
    assert {name: line[name] for name in ("method", "path", "status", "client", "request_id")} == {
        "method": "GET",
        "path": "/users/me",
        "status": 401,
        "client": "198.51.100.7",
        "request_id": answer.headers["x-request-id"],
    }


async def test_the_access_log_can_be_switched_off(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(access_log=False, log_format="json") as app, client_of(app) as client:
        await client.get("/healthz")
    assert '"event": "request"' not in capsys.readouterr().out


async def test_a_line_break_in_a_path_cannot_forge_a_line_of_the_log(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(log_format="console") as app:
        await _call(app, [], _empty, path="/a", raw_path=b"/a%0Aforged\xff")
    assert "\nforged" not in capsys.readouterr().out


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _never() -> Message:
    raise AssertionError("the body was read")


async def _ignore(_: Message) -> None: ...


async def _call(
    app: FastAPI,
    headers: list[tuple[bytes, bytes]],
    receive: Receive,
    method: str = "GET",
    path: str = "/nowhere",
    *,
    raw_path: bytes | None = None,
    client: tuple[str, int] | None = ("198.51.100.7", 4),
    sent: list[Message] | None = None,
) -> list[Message]:
    """Speak ASGI to the app, where a library would not let a test say what it wants to."""
    messages: list[Message] = [] if sent is None else sent

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": method,
        "path": path,
        "raw_path": raw_path or path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": client,
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "root_path": "",
    }
    await app(scope, receive, send)
    return messages


async def test_head_is_answered_as_get_without_the_body(new_server: NewServer) -> None:
    async with new_server() as server, server.client() as http:
        for path, status in (("/healthz", 200), ("/users/me", 401), ("/nowhere", 404)):
            asked, told = await http.get(path), await http.head(path)
            assert (asked.status_code, told.status_code) == (status, status)
            assert told.headers["content-type"] == asked.headers["content-type"]
            assert told.content == b""
