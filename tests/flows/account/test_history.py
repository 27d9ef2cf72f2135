"""``/users/me/security-events`` and ``/users/me/export``: what happened, and all that is kept."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from tests.conftest import AppFactory, client_of
from tests.flows.people import Person
from tests.flows.stored_rows import stored_users


async def history(person: Person) -> list[dict[str, Any]]:
    answer = await person.ask("GET", "/users/me/security-events")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_the_newest_event_comes_first_with_when_where_and_what(ada: Person) -> None:
    login, registered = await history(ada)
    assert set(login) == {
        *("id", "at", "action", "outcome", "session_id", "ip", "user_agent", "device", "details")
    }
    assert (login["action"], login["outcome"]) == ("login", "success")
    assert login["session_id"] == ada.tokens["session_id"]
    assert (login["ip"], login["user_agent"]) == ("198.51.100.7", "python-httpx")
    assert registered["action"] == "user.registered"
    assert registered["at"] <= login["at"]


async def test_a_failed_login_shows(client: httpx.AsyncClient, ada: Person) -> None:
    await client.post("/auth/login", json={"email": " ADA@example.com", "password": "wrong"})
    newest = (await history(ada))[0]
    assert (newest["action"], newest["outcome"]) == ("login", "failure")


async def test_nobody_sees_what_happened_to_others(ada: Person, bob: Person) -> None:
    assert len(await history(ada)) == len(await history(bob)) == 2


async def test_the_list_comes_in_pages(ada: Person) -> None:
    for _ in range(3):
        await ada.try_to_log_in()
    whole = [each["id"] for each in await history(ada)]
    page = (await ada.ask("GET", "/users/me/security-events?limit=3")).json()
    rest = await ada.ask("GET", f"/users/me/security-events?cursor={page['next_cursor']}")
    assert [each["id"] for each in page["items"] + rest.json()["items"]] == whole


async def test_the_export_has_the_account_its_sessions_and_its_events(ada: Person) -> None:
    other = await ada.on("curl/8")
    await other.http.post("/auth/logout", headers=other.headers)
    answer = await ada.ask("GET", "/users/me/export")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["user"] == (await ada.me()).json()
    assert found["has_password"] is True
    assert {each["ended_because"] for each in found["sessions"]} == {None, "logged_out"}
    assert found["security_events"][0]["action"] == "user.exported"
    assert found["security_events"] == await history(ada)


async def test_the_export_holds_nothing_secret(app: FastAPI, ada: Person) -> None:
    [user] = await stored_users(app)
    text = (await ada.ask("GET", "/users/me/export")).text
    assert user.password_hash is not None
    assert user.password_hash not in text
    assert "salt" not in text


async def test_a_long_history_is_exported_whole(ada: Person) -> None:
    for _ in range(205):
        await ada.ask("DELETE", "/users/me/sessions")
    found = (await ada.ask("GET", "/users/me/export")).json()
    assert len(found["security_events"]) == 208


async def test_many_exports_at_once_do_not_wait_for_themselves(new_app: AppFactory) -> None:
    """An export that held one connection while asking for another would, with a pool of two."""
    async with (
        new_app(database_pool_size=2, database_pool_timeout=2) as app,
        client_of(app) as client,
    ):
        ada = await (await Person(client).register()).log_in()
        answers = await asyncio.gather(*(ada.ask("GET", "/users/me/export") for _ in range(12)))
        assert {answer.status_code for answer in answers} == {200}
