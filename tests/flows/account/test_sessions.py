"""``/users/me/sessions``: where one is logged in, and the end of it."""

from uuid import uuid4

import pytest
from fastapi import FastAPI

from tests.flows.events import actions
from tests.flows.people import Person
from tests.flows.stored_rows import stored_sessions
from tests.moving_clock import MovingClock

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


async def test_each_session_is_told_with_device_network_and_times(
    ada: Person, clock: MovingClock
) -> None:
    clock.advance(minutes=10)
    phone = await ada.on(PHONE)
    answer = await ada.ask("GET", "/users/me/sessions")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    newer, older = answer.json()["items"]
    assert answer.json()["next_cursor"] is None
    assert set(newer) == {
        *("id", "created_at", "last_used_at", "expires_at", "ip", "user_agent", "device"),
        "current",
    }
    assert (newer["id"], newer["current"]) == (phone.tokens["session_id"], False)
    assert (newer["ip"], newer["user_agent"]) == ("198.51.100.7", PHONE)
    assert newer["device"] == "Mobile Safari on iOS"
    assert (older["id"], older["current"]) == (ada.tokens["session_id"], True)
    assert older["created_at"] < newer["created_at"] < newer["expires_at"]


async def test_a_refresh_shows_as_the_last_use(ada: Person, clock: MovingClock) -> None:
    clock.advance(minutes=10)
    await ada.refresh()
    [only] = (await ada.ask("GET", "/users/me/sessions")).json()["items"]
    assert only["created_at"] < only["last_used_at"]


async def test_what_has_ended_or_expired_is_not_told(ada: Person, clock: MovingClock) -> None:
    other = await ada.on("curl/8")
    await other.http.post("/auth/logout", headers=other.headers)
    await ada.on("an idle device")
    clock.advance(days=13)
    ada.tokens = (await ada.refresh()).json()
    clock.advance(days=2)
    ada.tokens = (await ada.refresh()).json()
    found = (await ada.ask("GET", "/users/me/sessions")).json()["items"]
    assert [each["id"] for each in found] == [ada.tokens["session_id"]]


async def test_the_list_comes_in_pages(ada: Person) -> None:
    for number in range(4):
        await ada.on(f"device {number}")
    seen, cursor = [], ""
    while True:
        page = (await ada.ask("GET", f"/users/me/sessions?limit=2{cursor}")).json()
        assert len(page["items"]) <= 2
        seen += [each["device"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["device", "device", "device", "device", "python-httpx"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=%00", "cursor=" + "A" * 22]
)
async def test_a_page_that_cannot_be_is_422_or_empty(ada: Person, query: str) -> None:
    answer = await ada.ask("GET", f"/users/me/sessions?{query}")
    if query == "cursor=" + "A" * 22:  # well formed, before the first one
        assert answer.json()["items"] == []
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_one_session_can_be_ended(app: FastAPI, ada: Person) -> None:
    other = await ada.on("curl/8")
    answer = await ada.ask("DELETE", f"/users/me/sessions/{other.tokens['session_id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await other.is_logged_in()
    assert (await other.refresh()).status_code == 401
    assert await ada.is_logged_in()
    assert (await actions(app))[-1] == "session.ended"


async def test_the_current_session_can_be_ended(ada: Person) -> None:
    await ada.ask("DELETE", f"/users/me/sessions/{ada.tokens['session_id']}")
    assert not await ada.is_logged_in()


async def test_all_others_can_be_ended(app: FastAPI, ada: Person) -> None:
    others = [await ada.on(f"device {number}") for number in range(3)]
    assert (await ada.ask("DELETE", "/users/me/sessions")).status_code == 204
    assert await ada.is_logged_in()
    assert [await other.is_logged_in() for other in others] == [False] * 3
    assert (await actions(app))[-1] == "session.others_ended"


async def test_somebody_else_s_session_is_not_found_and_goes_on(ada: Person, bob: Person) -> None:
    answer = await ada.ask("DELETE", f"/users/me/sessions/{bob.tokens['session_id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert await bob.is_logged_in()
    await ada.ask("DELETE", "/users/me/sessions")
    assert await bob.is_logged_in()


async def test_a_session_that_does_not_exist_is_not_found(ada: Person) -> None:
    answer = await ada.ask("DELETE", f"/users/me/sessions/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


async def test_a_session_that_has_ended_is_not_found(ada: Person) -> None:
    other = await ada.on("curl/8")
    path = f"/users/me/sessions/{other.tokens['session_id']}"
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert (await ada.ask("DELETE", path)).status_code == 404


async def test_an_id_that_is_none_is_422(ada: Person) -> None:
    answer = await ada.ask("DELETE", "/users/me/sessions/x")
    assert answer.status_code == 422
    assert "x" not in answer.json()["errors"][0]["pointer"].split("/")


async def test_sessions_that_no_rotation_can_extend_are_deleted(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    await app.state.sessions.remove_expired()
    assert len(await stored_sessions(app)) == 1
    clock.advance(days=30)
    await app.state.sessions.remove_expired()
    assert await stored_sessions(app) == []
    assert not await ada.is_logged_in()
