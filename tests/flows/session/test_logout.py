"""Logging out: by whatever the client has, and always with the same answer."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.ids import new_id
from tests.conftest import AppFactory, bearer, client_of
from tests.flows.session.test_cookie_delivery import (
    PLAIN_NAME,
    attributes,
    log_in_by_cookie,
    token_in,
    with_cookie,
)
from tests.moving_clock import MovingClock
from tests.sessions.stored_sessions import all_rows, forge, refresh, refreshed, row_of


async def assert_ended(app: FastAPI, session_id: str) -> None:
    row = await row_of(app.state.database, session_id)
    assert row.ended_because == "logged_out"


async def test_a_refresh_token_ends_its_session(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert (answer.status_code, answer.content) == (204, b"")
    await assert_ended(app, tokens["session_id"])


async def test_an_access_token_ends_its_session(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert (await client.post("/auth/logout", headers=bearer(tokens))).status_code == 204
    await assert_ended(app, tokens["session_id"])
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_a_cookie_ends_its_session(
    app: FastAPI, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    login = await log_in_by_cookie(client, credentials)
    answer = await client.post("/auth/logout", headers=with_cookie(token_in(login)))
    assert answer.status_code == 204
    await assert_ended(app, login.json()["session_id"])


async def test_an_old_token_of_ours_ends_its_session_too(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    second = await refreshed(client, tokens["refresh_token"])
    await refreshed(client, second["refresh_token"])
    clock.advance(minutes=1)
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/auth/logout", json=body)).status_code == 204
    await assert_ended(app, tokens["session_id"])


async def test_a_logout_ends_one_session_only(
    client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    other = (await client.post("/auth/login", json=credentials)).json()
    await client.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert (await refresh(client, other["refresh_token"])).status_code == 200


async def test_a_second_logout_is_answered_alike_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    body = {"refresh_token": tokens["refresh_token"]}
    await client.post("/auth/logout", json=body)
    before = await all_rows(app.state.database)
    clock.advance(seconds=5)
    assert (await client.post("/auth/logout", json=body)).status_code == 204
    assert await all_rows(app.state.database) == before


async def test_a_dead_access_token_is_answered_alike(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await client.post("/auth/logout", headers=bearer(tokens))
    assert (await client.post("/auth/logout", headers=bearer(tokens))).status_code == 204


@pytest.mark.parametrize("token", ["", "rt_", "rt_" + "A" * 72, "x" * 512])
async def test_a_token_that_was_never_ours_is_answered_alike(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], token: str
) -> None:
    before = await all_rows(app.state.database)
    assert (await client.post("/auth/logout", json={"refresh_token": token})).status_code == 204
    assert await all_rows(app.state.database) == before


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "x" * 9000])
async def test_an_access_token_that_was_never_ours_is_answered_alike(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 204
    assert [row.ended_at for row in await all_rows(app.state.database)] == [None]


async def test_a_forged_token_ends_nothing(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    forged = await forge(
        app.state.database, tokens["session_id"], 0, "a secret that is not the service's, of length"
    )
    assert (await client.post("/auth/logout", json={"refresh_token": forged})).status_code == 204
    assert [row.ended_at for row in await all_rows(app.state.database)] == [None]


async def test_a_logout_with_nothing_at_all_is_answered_alike(client: httpx.AsyncClient) -> None:
    assert (await client.post("/auth/logout")).status_code == 204
    assert (await client.post("/auth/logout", json={})).status_code == 204


async def test_a_logout_by_a_dead_access_token_falls_back_on_the_cookie(
    app: FastAPI, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    login = await log_in_by_cookie(client, credentials)
    headers = with_cookie(token_in(login)) | {"Authorization": "Bearer dead"}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 204
    await assert_ended(app, login.json()["session_id"])


async def test_a_token_in_the_body_wins_over_the_cookie(
    app: FastAPI, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    login = await log_in_by_cookie(client, credentials)
    other = (await client.post("/auth/login", json=credentials)).json()
    body = {"refresh_token": other["refresh_token"]}
    await client.post("/auth/logout", json=body, headers=with_cookie(token_in(login)))
    await assert_ended(app, other["session_id"])
    row = await row_of(app.state.database, login.json()["session_id"])
    assert row.ended_at is None


@pytest.mark.parametrize("kind", ["body", "bearer", "cookie", "dead cookie"])
async def test_the_cookie_is_cleared_in_any_case(
    client: httpx.AsyncClient, tokens: dict[str, Any], kind: str
) -> None:
    requests: dict[str, dict[str, Any]] = {
        "body": {"json": {"refresh_token": tokens["refresh_token"]}},
        "bearer": {"headers": bearer(tokens)},
        "cookie": {"headers": with_cookie(tokens["refresh_token"])},
        "dead cookie": {"headers": with_cookie(f"rt_{new_id()}")},
    }
    answer = await client.post("/auth/logout", **requests[kind])
    assert answer.status_code == 204
    assert token_in(answer) == ""


async def test_the_cookie_is_cleared_with_the_attributes_it_was_set_with(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    login = await log_in_by_cookie(client, credentials)
    answer = await client.post("/auth/logout", headers=with_cookie(token_in(login)))
    dated = [part for part in attributes(answer) if not part.lower().startswith("expires=")]
    assert dated == ["HttpOnly", "Max-Age=0", "Path=/auth", "SameSite=Strict", "Secure"]


async def test_the_cookie_without_a_prefix_is_cleared_by_its_own_name(
    new_app: AppFactory,
) -> None:
    async with new_app(cookie_secure=False) as app, client_of(app) as client:
        answer = await client.post("/auth/logout")
    assert token_in(answer, PLAIN_NAME) == ""
    assert "Secure" not in attributes(answer)


async def test_a_token_that_is_too_long_is_invalid(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/logout", json={"refresh_token": "x" * 513})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_an_unknown_field_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    body = {"refresh_token": tokens["refresh_token"], "everywhere": True}
    assert (await client.post("/auth/logout", json=body)).status_code == 422
    assert [row.ended_at for row in await all_rows(app.state.database)] == [None]


async def test_a_page_that_sends_bearer_and_cookie_ends_both_sessions(
    client: httpx.AsyncClient, app: FastAPI, credentials: dict[str, str]
) -> None:
    # What the browser is told to forget must not live on with whoever has a copy.
    login = await log_in_by_cookie(client, credentials)
    other = (await client.post("/auth/login", json=credentials)).json()
    headers = with_cookie(token_in(login)) | bearer(other) | {"Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 204
    await assert_ended(app, other["session_id"])
    await assert_ended(app, login.json()["session_id"])
