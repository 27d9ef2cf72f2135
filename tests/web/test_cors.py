"""Pages of other origins: those on the list may call with credentials, all others learn nothing."""

from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from fastapi import FastAPI

from tests.conftest import AppFactory, client_of

ORIGIN = "https://app.example.com"
EVIL = [
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://APP.example.com",
    "https://app.example.com/",
    "null",
    "",
    "*",
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(cors_origins=[ORIGIN, "https://admin.example.com"]) as started:
        yield started


def allowed(answer: httpx.Response) -> str | None:
    origin: str | None = answer.headers.get("access-control-allow-origin")
    return origin


async def preflight(
    client: httpx.AsyncClient, origin: str, method: str = "POST", headers: str = "content-type"
) -> httpx.Response:
    return await client.options(
        "/auth/login",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.mark.parametrize("origin", [ORIGIN, "https://admin.example.com"])
async def test_an_origin_on_the_list_may_read_answers_with_credentials(
    client: httpx.AsyncClient, origin: str
) -> None:
    answer = await client.get("/healthz", headers={"Origin": origin})
    assert allowed(answer) == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in answer.headers["vary"].lower()


async def test_a_page_may_read_the_headers_that_it_needs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"Origin": ORIGIN})
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {"RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"} <= exposed


@pytest.mark.parametrize("origin", EVIL)
async def test_any_other_origin_is_told_nothing(client: httpx.AsyncClient, origin: str) -> None:
    answer = await client.get("/healthz", headers={"Origin": origin})
    assert answer.status_code == 200
    assert allowed(answer) is None


async def test_a_preflight_from_the_list_is_granted(client: httpx.AsyncClient) -> None:
    answer = await preflight(client, ORIGIN)
    assert answer.status_code == 200
    assert allowed(answer) == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("origin", EVIL)
async def test_a_refused_preflight_is_a_problem(client: httpx.AsyncClient, origin: str) -> None:
    answer = await preflight(client, origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert answer.headers["content-type"] == "application/problem+json"
    assert allowed(answer) is None


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5173", "http://127.0.0.1:3000", "https://localhost", "http://[::1]:1"],
)
async def test_in_development_pages_of_this_machine_may_call(
    new_app: AppFactory, origin: str
) -> None:
    async with new_app(environment="development") as app, client_of(app) as http:
        answer = await preflight(http, origin)
        assert (answer.status_code, allowed(answer)) == (200, origin)
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_development_with_a_list_has_nothing_but_the_list(new_app: AppFactory) -> None:
    async with (
        new_app(environment="development", cors_origins=[ORIGIN]) as app,
        client_of(app) as http,
    ):
        assert (await preflight(http, "http://localhost:5173")).status_code == 403


@pytest.mark.parametrize("environment", ["development", "test"])
async def test_a_refused_preflight_in_development_logs_the_setting(
    new_app: AppFactory, environment: str
) -> None:
    async with (
        new_app(environment=environment, cors_origins=[ORIGIN]) as app,
        client_of(app) as http,
    ):
        with structlog.testing.capture_logs() as logged:
            await preflight(http, "http://192.0.2.1:5173")
    hints = [line["hint"] for line in logged if line["event"] == "origin_not_allowed"]
    told = environment == "development"
    assert hints == (["AUTH_CORS_ORIGINS=http://192.0.2.1:5173"] if told else [])


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost.evil.example",
        "http://localhost:5173.evil.example",
        "http://127.0.0.2",
        "null",
    ],
)
async def test_in_development_no_other_origin_may(new_app: AppFactory, origin: str) -> None:
    async with new_app(environment="development") as app, client_of(app) as http:
        assert (await preflight(http, origin)).status_code == 403


@pytest.mark.parametrize(("method", "headers"), [("TRACE", ""), ("POST", "x-anything")])
async def test_a_preflight_for_what_is_not_needed_is_refused(
    client: httpx.AsyncClient, method: str, headers: str
) -> None:
    answer = await preflight(client, ORIGIN, method, headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


async def test_options_without_a_preflight_is_a_method_like_any_other(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.options("/auth/login", headers={"Origin": ORIGIN})
    assert answer.status_code == 405
    assert allowed(answer) == ORIGIN


@pytest.mark.parametrize("path", ["/nowhere", "/auth/login", "/users/me"])
async def test_a_page_can_read_errors_as_well(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Origin": ORIGIN})
    assert answer.status_code >= 400
    assert allowed(answer) == ORIGIN


async def test_a_page_can_read_even_an_unexpected_error(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.get("/raises")
    async def raises() -> None:
        raise RuntimeError

    answer = await client.get("/raises", headers={"Origin": ORIGIN})
    assert answer.status_code == 500
    assert allowed(answer) == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_the_wildcard_never_goes_with_credentials(new_app: AppFactory) -> None:
    async with new_app(cors_origins=["*"]) as app, client_of(app) as client:
        answer = await client.get("/healthz", headers={"Origin": ORIGIN, "Cookie": "a=b"})
        assert allowed(answer) == "*"
        assert "access-control-allow-credentials" not in answer.headers
        granted = await preflight(client, ORIGIN)
        assert allowed(granted) == "*"
        assert "access-control-allow-credentials" not in granted.headers


async def test_without_a_list_no_origin_is_told_anything(new_app: AppFactory) -> None:
    async with new_app() as app, client_of(app) as client:
        assert allowed(await client.get("/healthz", headers={"Origin": ORIGIN})) is None
        answer = await preflight(client, ORIGIN)
        assert (answer.status_code, allowed(answer)) == (405, None)
