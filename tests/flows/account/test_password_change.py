"""``PUT /users/me/password``: a new password for whoever knows the current one."""

import asyncio
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD
from tests.flows.events import actions
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.flows.stored_rows import stored_sessions, stored_users

NEW = "difference engine 1822"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


async def change(person: Person, **changes: str) -> httpx.Response:
    return await person.ask("PUT", "/users/me/password", **(CHANGE | changes))


async def test_the_new_password_logs_in_and_the_old_one_does_not(ada: Person) -> None:
    answer = await change(ada)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.try_to_log_in()).status_code == 401
    ada.password = NEW
    assert (await ada.try_to_log_in()).status_code == 200


async def test_this_session_goes_on_and_every_other_one_ends(app: FastAPI, ada: Person) -> None:
    other = await ada.on("curl/8")
    await change(ada)
    assert await ada.is_logged_in()
    assert not await other.is_logged_in()
    assert (await other.refresh()).status_code == 401
    assert [row.ended_because for row in await stored_sessions(app)] == [None, "password_changed"]


async def test_the_owner_is_told_where_from_in_words_of_the_service_alone(
    app: FastAPI, ada: Person
) -> None:
    ada.device = WINDOWS
    await change(ada)
    mail = await last_mail(app, "password_changed")
    assert mail.to == "ada@example.com"
    assert mail.values["device"] == "Firefox on Windows"
    assert mail.values["ip"] == "198.51.100.7"
    assert mail.values["at"].endswith(" UTC")


async def test_nothing_that_a_client_says_of_itself_gets_into_the_mail(
    app: FastAPI, ada: Person
) -> None:
    ada.device = "https://evil.example.com/click Chrome"
    await change(ada)
    assert "evil" not in str((await last_mail(app, "password_changed")).values)


async def test_it_is_written_down(app: FastAPI, ada: Person) -> None:
    await change(ada)
    assert (await actions(app))[-1] == "password.changed"


async def test_mailed_links_are_void_afterwards(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await client.post("/auth/password/forgot", json={"email": ada.email})
    reset = await last_mail(app, "password_reset")
    await change(ada)
    body = {"token": reset.token, "new_password": "another password 1"}
    assert (await client.post("/auth/password/reset", json=body)).status_code == 400


async def test_a_wrong_password_is_written_down_although_the_answer_is_an_error(
    app: FastAPI, ada: Person
) -> None:
    before = [user.password_hash for user in await stored_users(app)]
    answer = await change(ada, current_password="wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    assert [user.password_hash for user in await stored_users(app)] == before
    me = (await ada.me()).json()["id"]
    assert (await actions(app, of=UUID(me)))[-1] == "reauthentication failed"
    assert "password_changed to ada@example.com" not in await kinds(app)


@pytest.mark.parametrize("new", ["short", "password", "ada@example.com", "x" * 257])
async def test_a_weak_password_is_422_at_its_field_and_changes_nothing(
    ada: Person, new: str
) -> None:
    answer = await change(ada, new_password=new)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/new_password"}
    assert (await ada.try_to_log_in()).status_code == 200


async def test_the_rules_come_before_the_password_is_asked_for(ada: Person) -> None:
    answer = await change(ada, new_password="short", current_password="wrong")
    assert answer.status_code == 422


async def test_of_two_changes_at_once_one_wins(ada: Person) -> None:
    answers = await asyncio.gather(*(change(ada, new_password=f"{NEW} {n}") for n in range(2)))
    assert sorted(answer.status_code for answer in answers) == [204, 403]


async def test_nobody_changes_a_password_without_being_logged_in(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.put("/users/me/password", json=CHANGE)).status_code == 401


async def test_the_new_password_is_another_one(app: FastAPI, ada: Person) -> None:
    body = {"current_password": ada.password, "new_password": ada.password}
    answer = await ada.ask("PUT", "/users/me/password", **body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "password_unchanged")
    assert "password.changed" not in await actions(app)
