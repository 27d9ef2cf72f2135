"""``DELETE /users/me``: gone, with all that was known, and the address free again."""

import asyncio
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select

from auth_service.mailed_tokens.models import MailedToken
from auth_service.users.models import User
from tests.conftest import PASSWORD
from tests.flows.events import actions, events
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_sessions, stored_users


async def delete(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.ask("DELETE", "/users/me", password=password)


async def count(app: FastAPI, table: type) -> int:
    async with app.state.database.transaction() as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


async def test_account_sessions_and_tokens_are_gone(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    other = await ada.on("curl/8")
    await client.post("/auth/password/forgot", json={"email": ada.email})
    answer = await delete(ada)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await stored_users(app) == []
    assert await stored_sessions(app) == []
    assert await count(app, MailedToken) == 0
    for person in (ada, other):
        assert not await person.is_logged_in()
        assert (await person.refresh()).status_code == 401
    assert (await ada.try_to_log_in()).status_code == 401


async def test_the_address_is_free_and_the_id_does_not_come_back(ada: Person) -> None:
    before = (await ada.me()).json()["id"]
    await delete(ada)
    await (await ada.register()).log_in()
    assert (await ada.me()).json()["id"] != before


async def test_what_happened_stays_without_what_was_personal(app: FastAPI, ada: Person) -> None:
    user_id = UUID((await ada.me()).json()["id"])
    await delete(ada, "wrong")
    await delete(ada)
    assert await actions(app, of=user_id) == [
        "user.registered",
        "login",
        "reauthentication failed",
        "user.deleted",
    ]
    for event in await events(app):
        assert (event.ip, event.user_agent, event.request_id) == (None, None, None)
        if event.action != "user.deleted":
            assert event.details == {}


async def test_the_outbox_keeps_nothing_but_the_news_of_it(app: FastAPI, ada: Person) -> None:
    assert await kinds(app) == ["verify_email to ada@example.com"]
    await delete(ada)
    assert await kinds(app) == ["account_deleted to ada@example.com"]


async def test_a_wrong_password_deletes_nothing(app: FastAPI, ada: Person) -> None:
    answer = await delete(ada, "wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    assert len(await stored_users(app)) == 1
    assert await ada.is_logged_in()


async def test_without_a_password_it_is_422(app: FastAPI, ada: Person) -> None:
    assert (await ada.ask("DELETE", "/users/me")).status_code == 422
    assert len(await stored_users(app)) == 1


async def test_the_last_administrator_has_to_stay(app: FastAPI, ada: Person) -> None:
    await change_users(app, roles=["user", "admin"])
    answer = await delete(ada)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert len(await stored_users(app)) == 1


async def test_of_two_administrators_who_go_at_once_one_has_to_stay(
    app: FastAPI, ada: Person, bob: Person
) -> None:
    await change_users(app, roles=["user", "admin"])
    answers = await asyncio.gather(delete(ada), delete(bob))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert len(await stored_users(app)) == 1


async def test_somebody_else_stays(app: FastAPI, ada: Person, bob: Person) -> None:
    await delete(ada)
    assert await bob.is_logged_in()
    assert [user.email for user in await stored_users(app)] == [bob.email]


async def test_the_refresh_cookie_is_cleared(ada: Person) -> None:
    answer = await delete(ada)
    assert "refresh_token=" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_two_deletions_the_second_finds_nobody(app: FastAPI, ada: Person) -> None:
    async with app.state.database.transaction() as db:
        await db.execute(sql_delete(User))
        second = asyncio.create_task(delete(ada))
        await asyncio.sleep(0.3)
    assert (await second).status_code == 401
