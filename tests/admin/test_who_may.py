"""Who may administer: with the role in the database now, and for changes just after a login."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.clients.models import ServiceClient
from auth_service.identity.errors import MAXIMUM_LOGIN_AGE
from auth_service.tokens import repository
from tests.admin.conftest import ROOT, log_in, new_administrator
from tests.conftest import AppFactory, bearer, client_of
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"
READS = [("GET", "/admin/clients"), ("GET", "/admin/keys")]
CHANGES = [
    ("POST", "/admin/clients"),
    ("DELETE", f"/admin/clients/{NOBODY}"),
    ("POST", f"/admin/clients/{NOBODY}/secret"),
    ("POST", "/admin/keys/rotate"),
]
CHALLENGE = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="This needs a more recent login", max_age="600"'
)


async def ask(
    client: httpx.AsyncClient, route: tuple[str, str], headers: dict[str, str]
) -> httpx.Response:
    """A request that would be granted: with the body that the route needs."""
    body: Any = {"name": "orders", "scopes": []} if route == CHANGES[0] else None
    return await client.request(*route, json=body, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def nothing_changed(app: FastAPI) -> bool:
    async with app.state.database.transaction() as db:
        clients = list(await db.scalars(select(ServiceClient)))
    keys = await repository.list_keys(app.state.database)
    return not clients and [key.state for key in keys] == ["active"]


@pytest.mark.parametrize("route", READS + CHANGES)
async def test_nobody_is_asked_for_a_token(
    app: FastAPI, client: httpx.AsyncClient, route: tuple[str, str]
) -> None:
    answer = await ask(client, route, {})
    assert code(answer) == (401, "invalid_access_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await nothing_changed(app)


@pytest.mark.parametrize("route", READS + CHANGES)
async def test_one_of_the_people_is_forbidden(
    app: FastAPI, client: httpx.AsyncClient, person: dict[str, str], route: tuple[str, str]
) -> None:
    answer = await ask(client, route, person)
    assert code(answer) == (403, "forbidden")
    assert "www-authenticate" not in answer.headers
    assert await nothing_changed(app)


@pytest.mark.parametrize("route", CHANGES)
async def test_one_of_the_people_is_not_asked_to_log_in_again_in_vain(
    client: httpx.AsyncClient, person: dict[str, str], clock: MovingClock, route: tuple[str, str]
) -> None:
    clock.advance(minutes=11)
    assert code(await ask(client, route, person)) == (403, "forbidden")


@pytest.mark.parametrize("route", READS + CHANGES)
async def test_the_role_counts_as_it_is_in_the_database_now(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], route: tuple[str, str]
) -> None:
    await change_users(app, roles=["user"])
    assert code(await ask(client, route, admin)) == (403, "forbidden")
    assert await nothing_changed(app)


async def test_whoever_is_given_the_role_may_at_once(
    app: FastAPI, client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    await change_users(app, roles=["admin"])
    assert (await client.get("/admin/clients", headers=person)).status_code == 200


@pytest.mark.parametrize("route", READS + CHANGES)
async def test_the_token_of_a_service_client_is_refused(
    app: FastAPI, client: httpx.AsyncClient, route: tuple[str, str]
) -> None:
    issued = await app.state.access_tokens.issue_for_client(NOBODY, ["admin"])
    answer = await ask(client, route, {"Authorization": f"Bearer {issued.token}"})
    assert code(answer) == (401, "invalid_access_token")
    assert await nothing_changed(app)


@pytest.mark.parametrize("route", READS + CHANGES)
async def test_who_is_refused_learns_nothing_about_the_request(
    client: httpx.AsyncClient, person: dict[str, str], route: tuple[str, str]
) -> None:
    address = route[1].replace(NOBODY, "no-id") + "?limit=x&cursor=x"
    answer = await client.request(route[0], address, json={"odd": 1}, headers=person)
    assert code(answer) == (403, "forbidden")


@pytest.mark.parametrize("route", CHANGES)
async def test_a_change_needs_a_recent_login(
    app: FastAPI,
    client: httpx.AsyncClient,
    admin: dict[str, str],
    clock: MovingClock,
    route: tuple[str, str],
) -> None:
    clock.advance(seconds=MAXIMUM_LOGIN_AGE.total_seconds() + 1)
    answer = await ask(client, route, admin)
    assert code(answer) == (401, "insufficient_user_authentication")
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert answer.json()["title"] == "This needs a more recent login"
    assert await nothing_changed(app)


@pytest.mark.parametrize("route", CHANGES)
async def test_ten_minutes_after_a_login_a_change_is_let_through(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock, route: tuple[str, str]
) -> None:
    clock.advance(seconds=MAXIMUM_LOGIN_AGE.total_seconds())
    assert (await ask(client, route, admin)).status_code in {200, 201, 404}


@pytest.mark.parametrize("route", READS)
async def test_looking_needs_no_recent_login(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock, route: tuple[str, str]
) -> None:
    clock.advance(minutes=14)
    assert (await ask(client, route, admin)).status_code == 200


async def test_a_refresh_is_no_login_and_a_login_is(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock
) -> None:
    await new_administrator(app)
    tokens = (await client.post("/auth/login", json=ROOT)).json()
    clock.advance(minutes=11)
    body = {"refresh_token": tokens["refresh_token"]}
    refreshed = bearer((await client.post("/auth/refresh", json=body)).json())
    assert (await ask(client, CHANGES[0], refreshed)).status_code == 401
    assert (await ask(client, CHANGES[0], await log_in(client))).status_code == 201


def changing_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every administrative route that is no GET, with ids of nobody."""
    return [
        (method.upper(), re.sub(r"{.*?}", NOBODY, path))
        for path, operations in app.openapi()["paths"].items()
        if path.startswith("/admin/")
        for method in operations
        if method != "get"
    ]


async def test_whatever_changes_needs_a_recent_login(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    clock.advance(seconds=MAXIMUM_LOGIN_AGE.total_seconds() + 1)
    routes = changing_routes(app)
    assert len(routes) > 12
    for method, path in routes:
        answer = await client.request(method, path, headers=admin)
        assert code(answer) == (401, "insufficient_user_authentication"), (method, path)


async def test_an_administrator_is_under_the_limit_of_every_user(new_app: AppFactory) -> None:
    async with new_app(rate_limit_user="2/minute") as app, client_of(app) as client:
        await new_administrator(app)
        headers = await log_in(client)
        answers = [await ask(client, route, headers) for route in (*READS, CHANGES[0])]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["ratelimit"].startswith('"user";r=1;')
        assert await nothing_changed(app)
