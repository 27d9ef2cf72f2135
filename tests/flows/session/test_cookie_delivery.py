"""The refresh token as a cookie: what the browser is told, and what it never sees."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory, bearer, client_of
from tests.sessions.stored_sessions import all_rows, forge, refresh

SECURE_NAME, PLAIN_NAME = "__Secure-refresh_token", "refresh_token"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def set_cookies(answer: httpx.Response) -> list[str]:
    """What is set of cookies that authenticate; the one that a device is known by does not."""
    lines = answer.headers.get_list("set-cookie")
    return [line for line in lines if not line.removeprefix("__Host-").startswith("device=")]


def attributes(answer: httpx.Response) -> list[str]:
    """What the one cookie of an answer is set with, without its value."""
    [line] = set_cookies(answer)
    return sorted(part.strip() for part in line.split(";")[1:])


def token_in(answer: httpx.Response, name: str = SECURE_NAME) -> str:
    [line] = set_cookies(answer)
    return SimpleCookie(line)[name].value


async def log_in_by_cookie(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> httpx.Response:
    """A login whose cookie the test carries itself, since it decides what is sent."""
    await client.post("/auth/register", json=credentials)
    answer = await client.post("/auth/login", json=credentials | {"delivery": "cookie"})
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    return answer


def with_cookie(token: str, name: str = SECURE_NAME) -> dict[str, str]:
    return {"Cookie": f"{name}={token}", **SAME_ORIGIN}


@pytest.fixture
async def login(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> AsyncIterator[httpx.Response]:
    yield await log_in_by_cookie(client, credentials)
    client.cookies.clear()


async def test_a_login_by_cookie_has_no_refresh_token_in_its_body(login: httpx.Response) -> None:
    assert set(login.json()) == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_expires_in",
        "session_id",
    }


async def test_the_cookie_is_out_of_reach_of_scripts_plain_http_and_other_sites(
    login: httpx.Response,
) -> None:
    assert attributes(login) == [
        "HttpOnly",
        "Max-Age=1209600",
        "Path=/auth",
        "SameSite=Strict",
        "Secure",
    ]


async def test_the_cookie_holds_the_refresh_token(app: FastAPI, login: httpx.Response) -> None:
    expected = await forge(app.state.database, login.json()["session_id"], 0)
    assert token_in(login) == expected


async def test_a_login_by_body_sets_no_cookie(
    client: httpx.AsyncClient, credentials: dict[str, str], tokens: dict[str, Any]
) -> None:
    answer = await client.post("/auth/login", json=credentials | {"delivery": "body"})
    assert set_cookies(answer) == []
    assert "refresh_token" in answer.json()


async def test_another_delivery_is_unknown(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    answer = await client.post("/auth/login", json=credentials | {"delivery": "pigeon"})
    assert answer.status_code == 422


async def test_without_secure_cookies_the_name_has_no_prefix(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app(cookie_secure=False) as app, client_of(app) as client:
        login = await log_in_by_cookie(client, credentials)
        assert attributes(login) == ["HttpOnly", "Max-Age=1209600", "Path=/auth", "SameSite=Strict"]
        token = token_in(login, PLAIN_NAME)
        answer = await client.post("/auth/refresh", headers=with_cookie(token, PLAIN_NAME))
        assert answer.status_code == 200
        assert token_in(answer, PLAIN_NAME) != token


async def test_a_cookie_without_the_prefix_is_not_looked_at(
    client: httpx.AsyncClient, login: httpx.Response
) -> None:
    headers = with_cookie(token_in(login), PLAIN_NAME)
    assert (await client.post("/auth/refresh", headers=headers)).status_code == 401


async def test_a_refresh_by_cookie_answers_by_cookie(
    app: FastAPI, client: httpx.AsyncClient, login: httpx.Response
) -> None:
    answer = await client.post("/auth/refresh", headers=with_cookie(token_in(login)))
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert token_in(answer) == await forge(app.state.database, login.json()["session_id"], 1)
    assert attributes(answer) == attributes(login)
    assert (await client.get("/users/me", headers=bearer(answer.json()))).status_code == 200


async def test_an_empty_object_is_as_good_as_no_body(
    client: httpx.AsyncClient, login: httpx.Response
) -> None:
    answer = await client.post("/auth/refresh", json={}, headers=with_cookie(token_in(login)))
    assert answer.status_code == 200
    assert token_in(answer) != token_in(login)


async def test_without_a_body_no_content_type_is_needed(
    client: httpx.AsyncClient, login: httpx.Response
) -> None:
    request = client.build_request("POST", "/auth/refresh", headers=with_cookie(token_in(login)))
    assert "content-type" not in request.headers
    assert (await client.send(request)).status_code == 200


async def test_the_content_type_of_an_empty_body_does_not_matter(
    client: httpx.AsyncClient, login: httpx.Response
) -> None:
    headers = with_cookie(token_in(login)) | {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/auth/refresh", headers=headers)).status_code == 200


async def test_a_token_in_the_body_wins_over_the_cookie(
    app: FastAPI, client: httpx.AsyncClient, login: httpx.Response, credentials: dict[str, str]
) -> None:
    by_body = (await client.post("/auth/login", json=credentials)).json()
    answer = await client.post(
        "/auth/refresh",
        json={"refresh_token": by_body["refresh_token"]},
        headers=with_cookie(token_in(login)),
    )
    assert answer.json()["session_id"] == by_body["session_id"]
    assert answer.json()["refresh_token"] != by_body["refresh_token"]
    assert set_cookies(answer) == []
    assert [row.counter for row in await all_rows(app.state.database)] == [0, 1]


async def test_a_bad_token_in_the_body_is_not_made_good_by_the_cookie(
    app: FastAPI, client: httpx.AsyncClient, login: httpx.Response
) -> None:
    for body in ("", "rt_" + "A" * 72):
        answer = await client.post(
            "/auth/refresh", json={"refresh_token": body}, headers=with_cookie(token_in(login))
        )
        assert answer.status_code == 401
    assert [row.counter for row in await all_rows(app.state.database)] == [0]


async def test_a_body_without_a_token_and_no_cookie_is_told_what_is_missing(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/auth/refresh", json={}, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/refresh_token", "missing")


async def test_neither_body_nor_cookie_is_not_logged_in(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/refresh", headers=SAME_ORIGIN)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


@pytest.mark.parametrize("token", ["", "rt_" + "A" * 72, "x" * 5000])
async def test_a_cookie_that_holds_no_token_of_ours_is_refused(
    client: httpx.AsyncClient, token: str
) -> None:
    answer = await client.post("/auth/refresh", headers=with_cookie(token))
    assert answer.status_code == 401


async def test_a_reuse_by_cookie_ends_the_session_too(
    app: FastAPI, client: httpx.AsyncClient, login: httpx.Response
) -> None:
    stolen = token_in(login)
    second = await client.post("/auth/refresh", headers=with_cookie(stolen))
    client.cookies.clear()
    await client.post("/auth/refresh", headers=with_cookie(token_in(second)))
    client.cookies.clear()
    assert (await refresh(client, stolen)).status_code == 401
    [row] = await all_rows(app.state.database)
    assert row.ended_because == "refresh_token_reused"
