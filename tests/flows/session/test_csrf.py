"""A request that the refresh cookie authenticates is honoured from our own pages only."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory, client_of
from tests.flows.session.test_cookie_delivery import (
    SECURE_NAME,
    log_in_by_cookie,
    set_cookies,
    token_in,
)
from tests.sessions.stored_sessions import all_rows

ISSUER, PARTNER = "http://localhost:8000", "https://app.example.com"
ROUTES = ["/auth/refresh", "/auth/logout"]
FROM_US = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": ISSUER},
    {"Origin": ISSUER},
    {"Origin": PARTNER},
    {"Sec-Fetch-Site": "same-site", "Origin": PARTNER},
    {"Sec-Fetch-Site": "cross-site", "Origin": PARTNER},
    {"Sec-Fetch-Site": "none", "Origin": ISSUER},
]
FROM_ELSEWHERE = [
    {},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "SAME-ORIGIN"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "*"},
    {"Origin": ISSUER + ":8001"},
    {"Origin": ISSUER + "/"},
    {"Origin": ISSUER + ".evil.example"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": PARTNER + ".evil.example"},
    {"Origin": "https://evil.app.example.com"},
    {"Origin": f"{PARTNER}, https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Referer": ISSUER + "/"},
    {"Host": "localhost:8000"},
    {"X-Forwarded-Host": "localhost:8000", "Origin": "https://evil.example"},
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is refused before the database is asked is refused on any."""
    return sqlite_url


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(cors_origins=[PARTNER]) as started:
        yield started


@pytest.fixture
async def cookie(client: httpx.AsyncClient, credentials: dict[str, str]) -> dict[str, str]:
    login = await log_in_by_cookie(client, credentials)
    return {"Cookie": f"{SECURE_NAME}={token_in(login)}"}


@pytest.mark.parametrize("headers", FROM_US, ids=str)
@pytest.mark.parametrize("route", ROUTES)
async def test_from_our_own_pages_the_cookie_is_honoured(
    client: httpx.AsyncClient, cookie: dict[str, str], route: str, headers: dict[str, str]
) -> None:
    answer = await client.post(route, headers=cookie | headers)
    assert answer.status_code in {200, 204}


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
@pytest.mark.parametrize("route", ROUTES)
async def test_from_elsewhere_the_cookie_is_refused_and_nothing_happens(
    app: FastAPI,
    client: httpx.AsyncClient,
    cookie: dict[str, str],
    route: str,
    headers: dict[str, str],
) -> None:
    before = await all_rows(app.state.database)
    answer = await client.post(route, headers=cookie | headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_rejected")
    assert set_cookies(answer) == []
    assert await all_rows(app.state.database) == before


async def test_a_body_without_a_token_does_not_get_round_the_rule(
    app: FastAPI, client: httpx.AsyncClient, cookie: dict[str, str]
) -> None:
    for route in ROUTES:
        answer = await client.post(route, json={}, headers=cookie)
        assert answer.status_code == 403
    assert [row.ended_at for row in await all_rows(app.state.database)] == [None]


async def test_a_dead_access_token_does_not_get_round_the_rule(
    app: FastAPI, client: httpx.AsyncClient, cookie: dict[str, str]
) -> None:
    headers = cookie | {"Authorization": "Bearer dead", "Origin": "https://evil.example"}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 403
    assert [row.ended_at for row in await all_rows(app.state.database)] == [None]


async def test_a_wildcard_for_cors_lets_no_origin_use_the_cookie(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(cors_origins=["*"]) as app, client_of(app) as client:
        login = await log_in_by_cookie(client, credentials)
        cookie = f"{SECURE_NAME}={token_in(login)}"
        headers = {"Cookie": cookie, "Origin": "https://evil.example"}
        assert (await client.post("/auth/refresh", headers=headers)).status_code == 403


async def test_a_token_in_the_body_needs_no_origin(
    client: httpx.AsyncClient, credentials: dict[str, str], cookie: dict[str, str]
) -> None:
    opened = (await client.post("/auth/login", json=credentials)).json()
    body = {"refresh_token": opened["refresh_token"]}
    headers = cookie | {"Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/auth/refresh", json=body, headers=headers)).status_code == 200


async def test_a_login_needs_no_origin(
    client: httpx.AsyncClient, credentials: dict[str, str], cookie: dict[str, str]
) -> None:
    answer = await client.post("/auth/login", json=credentials, headers=cookie)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_another_site_cannot_make_a_browser_forget_its_cookie(
    client: httpx.AsyncClient, place: dict[str, str]
) -> None:
    # What a form on that site sends: the Strict cookie stays at home.
    answer = await client.post("/auth/logout", headers=place)
    assert answer.status_code == 204
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("place", [{}, {"Sec-Fetch-Site": "same-origin"}])
async def test_our_own_pages_and_programs_have_the_cookie_cleared(
    client: httpx.AsyncClient, place: dict[str, str]
) -> None:
    answer = await client.post("/auth/logout", headers=place)
    assert answer.headers["set-cookie"].startswith("__Secure-refresh_token=")
