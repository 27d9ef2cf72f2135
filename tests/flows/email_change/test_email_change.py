"""Another address: confirmed at the new one, told to the old one, and taken back from there."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from auth_service.core.ids import new_id
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.token import Purpose
from auth_service.mailed_tokens.wishes import Wish
from auth_service.users.models import User
from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.events import actions, events
from tests.flows.mails import kinds, last_mail, mails
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_users
from tests.moving_clock import MovingClock

NEW = "ada@new.example.com"


async def ask(person: Person, new_email: str = NEW, password: str = PASSWORD) -> httpx.Response:
    return await person.ask("POST", "/users/me/email", new_email=new_email, password=password)


async def confirm(person: Person, token: str) -> httpx.Response:
    return await person.http.post("/auth/verify-email", json={"token": token})


async def undo(person: Person, token: str) -> httpx.Response:
    return await person.http.post("/auth/email-change/undo", json={"token": token})


async def change(app: FastAPI, person: Person, new_email: str = NEW) -> str:
    """Change the address, which was verified; the token that undoes it."""
    await change_users(app, email_verified=True)
    assert (await ask(person, new_email)).status_code == 202
    token = (await last_mail(app, "email_change_confirm")).token
    assert (await confirm(person, token)).status_code == 204
    return (await last_mail(app, "email_change_notice")).token


async def addresses(app: FastAPI) -> list[str]:
    return [user.email for user in await stored_users(app)]


# --- Changing ---


async def test_nothing_changes_before_the_new_address_has_confirmed(
    app: FastAPI, ada: Person
) -> None:
    answer = await ask(ada)
    assert (answer.status_code, answer.json()) == (202, {})
    mail = await last_mail(app, "email_change_confirm")
    assert (mail.to, mail.values["new_email"]) == (NEW, NEW)
    assert await addresses(app) == ["ada@example.com"]


async def test_the_confirmed_address_is_the_account_s_and_verified(
    app: FastAPI, ada: Person
) -> None:
    await change(app, ada)
    me = (await ada.me()).json()
    assert (me["email"], me["email_verified"]) == (NEW, True)
    assert (await ada.try_to_log_in()).status_code == 401
    ada.email = NEW
    assert (await ada.try_to_log_in()).status_code == 200


async def test_the_old_address_is_told_with_a_way_back(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    mail = await last_mail(app, "email_change_notice")
    assert mail.to == "ada@example.com"
    assert (mail.values["old_email"], mail.values["new_email"]) == ("ada@example.com", NEW)
    assert mail.values["valid_for"] == "72 hours"
    assert (await actions(app))[-2:] == ["email.change_requested", "email.changed"]


async def test_a_change_voids_what_was_mailed_before(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    verification = (await last_mail(app, "verify_email")).token
    await client.post("/auth/password/forgot", json={"email": ada.email})
    reset = (await last_mail(app, "password_reset")).token
    await change(app, ada)
    assert (await confirm(ada, verification)).status_code == 400
    body = {"token": reset, "new_password": "difference engine 1822"}
    assert (await client.post("/auth/password/reset", json=body)).status_code == 400


async def test_a_new_password_voids_a_change_that_waits(app: FastAPI, ada: Person) -> None:
    await ask(ada)
    token = (await last_mail(app, "email_change_confirm")).token
    body = {"current_password": PASSWORD, "new_password": "difference engine 1822"}
    await ada.ask("PUT", "/users/me/password", **body)
    assert (await confirm(ada, token)).status_code == 400
    assert await addresses(app) == ["ada@example.com"]


async def test_of_twenty_confirmations_at_once_one_succeeds(app: FastAPI, ada: Person) -> None:
    await change_users(app, email_verified=True)
    await ask(ada)
    token = (await last_mail(app, "email_change_confirm")).token
    answers = await asyncio.gather(*(confirm(ada, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19
    assert (await kinds(app)).count("email_change_notice to ada@example.com") == 1


async def test_another_spelling_of_one_s_own_address_can_be_had(app: FastAPI, ada: Person) -> None:
    await ask(ada, "Ada@example.com")
    await confirm(ada, (await last_mail(app, "email_change_confirm")).token)
    assert await addresses(app) == ["Ada@example.com"]
    assert "email_change_notice" not in {mail.kind for mail in await mails(app)}


async def test_a_wrong_password_changes_nothing(app: FastAPI, ada: Person) -> None:
    answer = await ask(ada, password="wrong")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    assert await kinds(app) == ["verify_email to ada@example.com"]


@pytest.mark.parametrize("new_email", ["", "x", "a@b", "a@example.com\nBcc: c@example.com"])
async def test_what_is_no_address_is_422(ada: Person, new_email: str) -> None:
    assert (await ask(ada, new_email)).status_code == 422


async def test_an_address_gets_so_many_mails_and_nobody_is_told(new_app: AppFactory) -> None:
    async with new_app(rate_limit_mail="1/hour") as app, client_of(app) as client:
        ada = await (await Person(client).register()).log_in()
        assert [(await ask(ada)).status_code for _ in range(3)] == [202] * 3
        assert (await kinds(app)).count(f"email_change_confirm to {NEW}") == 1


async def test_the_owner_of_a_taken_address_gets_so_many_and_nobody_is_told(
    new_app: AppFactory,
) -> None:
    async with new_app(rate_limit_mail="1/hour") as app, client_of(app) as client:
        await Person(client, email="bob@example.com").register()
        ada = await (await Person(client).register()).log_in()
        assert [(await ask(ada, "bob@example.com")).status_code for _ in range(3)] == [202] * 3
        assert (await kinds(app)).count("registration_attempt to bob@example.com") == 1


async def test_no_kind_of_mail_uses_up_another(new_app: AppFactory) -> None:
    async with new_app(rate_limit_mail="1/hour") as app, client_of(app) as client:
        await Person(client).register()
        for path in ("/auth/verify-email/resend", "/auth/password/forgot"):
            for _ in range(3):
                await client.post(path, json={"email": "ada@example.com"})
        found = await kinds(app)
        assert found.count("verify_email to ada@example.com") == 2  # the first was not asked for
        assert found.count("password_reset to ada@example.com") == 1


# --- An address that somebody has ---


async def test_for_a_taken_address_the_answer_is_the_same_and_its_owner_is_told(
    app: FastAPI, ada: Person, bob: Person
) -> None:
    answer = await ask(ada, bob.email)
    assert (answer.status_code, answer.json()) == (202, {})
    mail = (await mails(app))[-1]
    assert (mail.kind, mail.to) == ("registration_attempt", bob.email)
    assert set(mail.values) == {"link"}


async def test_an_address_that_was_taken_meanwhile_cannot_be_confirmed(
    app: FastAPI, ada: Person
) -> None:
    await ask(ada)
    token = (await last_mail(app, "email_change_confirm")).token
    await Person(ada.http, email=NEW).register()
    assert (await confirm(ada, token)).status_code == 400
    assert await addresses(app) == ["ada@example.com", NEW]


async def test_of_two_who_want_one_address_one_gets_it(
    app: FastAPI, ada: Person, bob: Person
) -> None:
    await ask(ada)
    first = (await last_mail(app, "email_change_confirm")).token
    await ask(bob)
    second = (await last_mail(app, "email_change_confirm")).token
    answers = await asyncio.gather(confirm(ada, first), confirm(bob, second))
    assert sorted(answer.status_code for answer in answers) == [204, 400]
    assert (await addresses(app)).count(NEW) == 1


# --- The way back ---


async def test_the_way_back_restores_the_address_ends_sessions_and_voids_the_password(
    app: FastAPI, ada: Person
) -> None:
    token = await change(app, ada)
    answer = await undo(ada, token)
    assert (answer.status_code, answer.content) == (204, b"")
    [user] = await stored_users(app)
    assert (user.email, user.password_hash) == ("ada@example.com", None)
    assert not await ada.is_logged_in()
    assert (await ada.try_to_log_in()).status_code == 401
    assert (await actions(app))[-2] == "email.change_undone"


async def test_the_old_address_gets_a_link_for_a_new_password(app: FastAPI, ada: Person) -> None:
    await undo(ada, await change(app, ada))
    mail = await last_mail(app, "email_change_undone")
    assert mail.to == "ada@example.com"
    ada.password = "difference engine 1822"
    body = {"token": mail.token, "new_password": ada.password}
    assert (await ada.http.post("/auth/password/reset", json=body)).status_code == 204
    assert (await ada.try_to_log_in()).status_code == 200


async def test_the_way_back_is_open_once_and_for_three_days(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    token = await change(app, ada)
    clock.advance(hours=72, seconds=-1)
    answers = await asyncio.gather(*(undo(ada, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19


async def test_after_three_days_it_is_closed(app: FastAPI, ada: Person, clock: MovingClock) -> None:
    token = await change(app, ada)
    clock.advance(hours=72)
    assert (await undo(ada, token)).status_code == 400
    assert await addresses(app) == [NEW]


async def test_it_survives_a_new_password_a_reset_and_another_change(
    app: FastAPI, ada: Person
) -> None:
    token = await change(app, ada)
    body = {"current_password": PASSWORD, "new_password": "difference engine 1822"}
    assert (await ada.ask("PUT", "/users/me/password", **body)).status_code == 204
    await ada.http.post("/auth/password/forgot", json={"email": NEW})
    reset = {
        "token": (await last_mail(app, "password_reset")).token,
        "new_password": "a third one, quite long",
    }
    assert (await ada.http.post("/auth/password/reset", json=reset)).status_code == 204
    ada.email, ada.password = NEW, "a third one, quite long"
    await ada.log_in()
    assert (await ask(ada, "third@example.com", ada.password)).status_code == 202
    await confirm(ada, (await last_mail(app, "email_change_confirm")).token)
    assert (await undo(ada, token)).status_code == 204
    assert await addresses(app) == ["ada@example.com"]


async def test_it_takes_later_changes_back_for_good(app: FastAPI, ada: Person) -> None:
    first = await change(app, ada)
    second = await change(app, ada, "third@example.com")
    assert (await undo(ada, first)).status_code == 204
    assert (await undo(ada, second)).status_code == 400
    assert await addresses(app) == ["ada@example.com"]


async def test_an_earlier_way_back_stays_open(app: FastAPI, ada: Person) -> None:
    first = await change(app, ada)
    second = await change(app, ada, "third@example.com")
    assert (await undo(ada, second)).status_code == 204
    assert await addresses(app) == [NEW]
    assert (await undo(ada, first)).status_code == 204
    assert await addresses(app) == ["ada@example.com"]


async def test_it_cancels_a_change_that_waits(app: FastAPI, ada: Person) -> None:
    token = await change(app, ada)
    await ask(ada, "third@example.com")
    waiting = (await last_mail(app, "email_change_confirm")).token
    await undo(ada, token)
    assert (await confirm(ada, waiting)).status_code == 400
    assert await addresses(app) == ["ada@example.com"]


@pytest.mark.parametrize("kind", ["verify_email", "password_reset", "email_change_confirm"])
async def test_no_other_token_is_a_way_back(app: FastAPI, ada: Person, kind: str) -> None:
    await ada.http.post("/auth/password/forgot", json={"email": ada.email})
    await ask(ada)
    assert (await undo(ada, (await last_mail(app, kind)).token)).status_code == 400


# --- The old address is kept for its owner ---


async def test_meanwhile_nobody_else_gets_the_old_address(
    app: FastAPI, ada: Person, bob: Person
) -> None:
    await change(app, ada)
    thief = Person(ada.http, email="ada@example.com")
    body = {"email": thief.email, "password": thief.password}
    answer = await ada.http.post("/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert (await ask(bob, "ada@example.com")).status_code == 202
    assert "email_change_confirm to ada@example.com" not in await kinds(app)


async def test_a_change_to_it_that_was_mailed_before_cannot_be_confirmed(
    app: FastAPI, ada: Person, bob: Person, clock: MovingClock
) -> None:
    await ask(bob, "free@example.com")
    token = (await last_mail(app, "email_change_confirm")).token
    await change(app, ada, "free@example.com")
    await change(app, ada, "third@example.com")
    assert (await confirm(bob, token)).status_code == 400
    assert "free@example.com" not in await addresses(app)


async def test_afterwards_it_is_free(app: FastAPI, ada: Person, clock: MovingClock) -> None:
    await change(app, ada)
    clock.advance(hours=72)
    await Person(ada.http).register()
    assert sorted(await addresses(app)) == ["ada@example.com", NEW]


async def test_its_owner_may_have_it_back_at_any_time(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    await change(app, ada, "ada@example.com")
    assert await addresses(app) == ["ada@example.com"]


async def test_an_address_that_was_never_verified_gets_no_way_back(
    app: FastAPI, ada: Person
) -> None:
    """It may be a stranger's, by a typing error at sign-up."""
    await ask(ada)
    assert (await confirm(ada, (await last_mail(app, "email_change_confirm")).token)).is_success
    assert await addresses(app) == [NEW]
    assert {mail.kind for mail in await mails(app) if mail.to == "ada@example.com"} <= {
        "verify_email"
    }


async def test_an_address_that_was_never_verified_is_free_after_the_change(
    app: FastAPI, ada: Person
) -> None:
    await ask(ada)
    await confirm(ada, (await last_mail(app, "email_change_confirm")).token)
    await Person(ada.http).register()
    assert sorted(await addresses(app)) == ["ada@example.com", NEW]


# --- Accounts that are gone, addresses that are taken behind the service's back ---


async def test_a_wish_of_an_account_that_is_gone_comes_to_nothing(app: FastAPI) -> None:
    wish = Wish(Email.parse(NEW), new_id(), ClientInfo(), datetime.now(UTC))
    async with app.state.database.transaction() as db:
        await app.state.email_change.fulfil(db, wish)
    assert await mails(app) == []


async def test_a_token_of_an_account_that_is_gone_is_invalid(app: FastAPI, ada: Person) -> None:
    await ask(ada)
    raw = (await last_mail(app, "email_change_confirm")).token
    token = await app.state.mailed_tokens.get(raw, Purpose.CHANGE_EMAIL)
    await ada.ask("DELETE", "/users/me", password=PASSWORD)
    async with app.state.database.transaction() as db:
        with pytest.raises(InvalidToken):
            await app.state.email_change.complete(db, token, ClientInfo())


async def test_an_address_that_somebody_has_all_the_same_cannot_be_restored(
    app: FastAPI, ada: Person
) -> None:
    token = await change(app, ada)
    await Person(ada.http, email="thief@example.com").register()
    async with app.state.database.transaction() as db:
        await db.execute(
            update(User)
            .where(User.email == "thief@example.com")
            .values(email="ada@example.com", email_key="ada@example.com")
        )
    assert (await undo(ada, token)).status_code == 400
    assert sorted(await addresses(app)) == ["ada@example.com", NEW]


async def test_the_record_has_the_address_that_was_asked_for_as_a_keyed_hash(
    app: FastAPI, ada: Person
) -> None:
    await ask(ada, "stranger@example.com")
    [event] = [one for one in await events(app) if one.action == "email.change_requested"]
    assert set(event.details) == {"address"}
    assert "stranger" not in str(event.details)
