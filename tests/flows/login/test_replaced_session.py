"""A login ends the session of the refresh cookie that it came with (ASVS 7.2.4)."""

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, bearer
from tests.flows.events import actions
from tests.flows.people import Person
from tests.flows.stored_rows import stored_sessions

OWN = {"Sec-Fetch-Site": "same-origin"}
ADA = {"email": "ada@example.com", "password": PASSWORD}


async def log_in(
    client: httpx.AsyncClient, headers: dict[str, str], email: str = "ada@example.com"
) -> httpx.Response:
    body = ADA | {"email": email, "delivery": "cookie"}
    answer = await client.post("/auth/login", json=body, headers=headers)
    assert answer.status_code == 200
    return answer


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": f"__Secure-refresh_token={answer.cookies['__Secure-refresh_token']}"}


@pytest.mark.parametrize("email", ["ada@example.com", "bob@example.com"])
async def test_the_browser_s_session_before_ends(
    app: FastAPI, client: httpx.AsyncClient, email: str
) -> None:
    await Person(client).register()
    await Person(client, email="bob@example.com").register()
    first = await log_in(client, OWN)
    client.cookies.clear()
    await log_in(client, OWN | cookie_of(first), email)
    client.cookies.clear()
    me = await client.get("/users/me", headers=bearer(first.json()))
    assert me.status_code == 401
    assert [session.ended_because for session in await stored_sessions(app)] == [
        "replaced_by_login",
        None,
    ]
    assert (await actions(app)).count("session.ended") == 1


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {}])
async def test_another_site_ends_nothing(
    app: FastAPI, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await Person(client).register()
    first = await log_in(client, OWN)
    client.cookies.clear()
    await log_in(client, headers | cookie_of(first))
    assert {session.ended_because for session in await stored_sessions(app)} == {None}


async def test_a_cookie_that_is_no_token_ends_nothing(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await Person(client).register()
    await log_in(client, OWN)
    client.cookies.clear()
    await log_in(client, OWN | {"Cookie": "__Secure-refresh_token=rt_nonsense"})
    assert {session.ended_because for session in await stored_sessions(app)} == {None}


async def test_a_wrong_password_ends_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    await Person(client).register()
    first = await log_in(client, OWN)
    client.cookies.clear()
    body = ADA | {"password": "wrong"}
    headers = OWN | cookie_of(first)
    assert (await client.post("/auth/login", json=body, headers=headers)).status_code == 401
    assert {session.ended_because for session in await stored_sessions(app)} == {None}
