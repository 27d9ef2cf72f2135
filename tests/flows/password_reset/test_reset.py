"""``/auth/password``: a new password for whoever has the mailbox, and for nobody else."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.mailed_tokens.models import MailedToken, MailWish
from tests.conftest import AppFactory, client_of
from tests.flows.events import actions
from tests.flows.mails import kinds, last_mail, mails
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_users
from tests.moving_clock import MovingClock

NEW = "difference engine 1822"


async def forget(client: httpx.AsyncClient, email: str = "ada@example.com") -> httpx.Response:
    return await client.post("/auth/password/forgot", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "new_password": password}
    return await client.post("/auth/password/reset", json=body)


async def mailed_token(app: FastAPI, client: httpx.AsyncClient) -> str:
    await forget(client)
    return (await last_mail(app, "password_reset")).token


async def rows(app: FastAPI, table: type[Any]) -> list[Any]:
    async with app.state.database.transaction() as db:
        return list(await db.scalars(select(table)))


async def test_the_mailed_token_sets_a_new_password(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    answer = await reset(client, await mailed_token(app, client))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.try_to_log_in()).status_code == 401
    ada.password = NEW
    assert (await ada.try_to_log_in()).status_code == 200


async def test_a_reset_ends_every_session_and_logs_nobody_in(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    other = await ada.on("curl/8")
    answer = await reset(client, await mailed_token(app, client))
    assert "set-cookie" not in answer.headers
    for person in (ada, other):
        assert not await person.is_logged_in()
        assert (await person.refresh()).status_code == 401


async def test_a_reset_verifies_the_address(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await reset(client, await mailed_token(app, client))
    [user] = await stored_users(app)
    assert user.email_verified


async def test_the_owner_is_told_and_it_is_written_down(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await reset(client, await mailed_token(app, client))
    assert (await kinds(app))[-1] == "password_changed to ada@example.com"
    assert (await actions(app))[-2:] == ["password.reset_requested", "password.reset"]


async def test_the_database_holds_a_hash_of_the_token_and_no_address_in_the_clear(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = await mailed_token(app, client)
    for row in await rows(app, MailedToken):
        assert len(row.token_hash) == 32
        assert token not in str(vars(row))
    await forget(client, "somebody.else@example.com")
    for wish in await rows(app, MailWish):
        assert b"somebody" not in wish.address


# --- One use, one purpose, half an hour ---


async def test_of_twenty_tries_at_once_one_succeeds(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = await mailed_token(app, client)
    answers = await asyncio.gather(*(reset(client, token, f"{NEW} {n}") for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19
    worked = next(n for n, answer in enumerate(answers) if answer.status_code == 204)
    ada.password = f"{NEW} {worked}"
    assert (await ada.try_to_log_in()).status_code == 200


async def test_of_two_links_the_other_is_void_once_one_was_used(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    first, second = await mailed_token(app, client), await mailed_token(app, client)
    assert (await reset(client, first)).status_code == 204
    assert (await reset(client, second)).status_code == 400


async def test_a_token_is_good_for_half_an_hour(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, clock: MovingClock
) -> None:
    token = await mailed_token(app, client)
    clock.advance(minutes=30)
    answer = await reset(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_token")
    assert (await ada.try_to_log_in()).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\N{SNOWMAN}"])
async def test_what_is_no_token_is_an_invalid_one(
    client: httpx.AsyncClient, ada: Person, token: str
) -> None:
    assert (await reset(client, token)).json()["code"] == "invalid_token"
    assert (await ada.try_to_log_in()).status_code == 200


async def test_a_token_that_verifies_an_address_resets_nothing(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = (await last_mail(app, "verify_email")).token
    assert (await reset(client, token)).status_code == 400
    assert (await ada.try_to_log_in()).status_code == 200


@pytest.mark.parametrize("password", ["short", "password", "ada@example.com", "x" * 257])
async def test_a_password_that_breaks_a_rule_is_422_and_does_not_use_the_token_up(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, password: str
) -> None:
    token = await mailed_token(app, client)
    answer = await reset(client, token, password)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/new_password"}
    assert (await reset(client, token)).status_code == 204


async def test_the_rules_come_before_the_token(client: httpx.AsyncClient) -> None:
    assert (await reset(client, "x", "short")).status_code == 422


async def test_a_token_is_void_once_the_address_is_another(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = await mailed_token(app, client)
    await change_users(app, email="new@example.com", email_key="new@example.com")
    assert (await reset(client, token)).status_code == 400


# --- What the answer does not tell ---


@pytest.mark.parametrize("who", ["nobody", "disabled"])
async def test_whoever_cannot_log_in_gets_no_mail_and_the_answer_is_the_same(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, clock: MovingClock, who: str
) -> None:
    known = await forget(client)
    before = len(await mails(app))
    if who == "disabled":
        await change_users(app, disabled_at=clock.now())
    answer = await forget(client, "nobody@example.com" if who == "nobody" else ada.email)
    assert (answer.status_code, answer.json()) == (known.status_code, known.json()) == (202, {})
    assert set(answer.headers) == set(known.headers)
    assert len(await mails(app)) == before


async def test_whoever_has_no_password_yet_gets_one(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await change_users(app, password_hash=None)
    assert (await reset(client, await mailed_token(app, client))).status_code == 204
    ada.password = NEW
    assert (await ada.try_to_log_in()).status_code == 200


async def test_every_spelling_of_an_address_is_the_address(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await forget(client, " ADA@Example.COM ")
    assert (await last_mail(app, "password_reset")).to == "ada@example.com"


async def test_an_address_gets_so_many_mails_and_nobody_is_told(new_app: AppFactory) -> None:
    async with new_app(rate_limit_mail="2/hour") as app, client_of(app) as client:
        await Person(client).register()
        answers = [await forget(client) for _ in range(4)]
        assert {answer.status_code for answer in answers} == {202}
        assert (await kinds(app)).count("password_reset to ada@example.com") == 2
