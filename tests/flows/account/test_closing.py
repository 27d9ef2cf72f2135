"""``DELETE /users/me`` while an undo link is live: the account is closed, and deleted later."""

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from auth_service.mailed_tokens.models import MailedToken
from tests.conftest import PASSWORD
from tests.flows.account.test_deletion import delete
from tests.flows.email_change.test_email_change import NEW, ask, change, confirm, undo
from tests.flows.events import actions
from tests.flows.mails import last_mail
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_sessions, stored_users
from tests.moving_clock import MovingClock


async def test_a_closed_account_has_no_session_and_no_login(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    other = await Person(ada.http, email=NEW).log_in()
    assert (await delete(ada)).status_code == 204
    for person in (ada, other):
        assert not await person.is_logged_in()
        assert (await person.refresh()).status_code == 401
        assert (await person.try_to_log_in()).status_code == 401
    assert all(session.ended_because for session in await stored_sessions(app))
    assert (await actions(app))[-1] == "login failed"
    assert "user.closed" in await actions(app)


async def test_the_link_of_the_change_reopens_it_for_its_owner(app: FastAPI, ada: Person) -> None:
    """A thief who changed the address does not complete the theft by deleting the account."""
    token = await change(app, ada)
    await delete(ada)
    assert (await undo(ada, token)).status_code == 204
    [user] = await stored_users(app)
    assert (user.email, user.disabled_at, user.deletion_due_at) == ("ada@example.com", None, None)
    reset = await last_mail(app, "email_change_undone")
    body = {"token": reset.token, "new_password": "difference engine 1822"}
    assert (await ada.http.post("/auth/password/reset", json=body)).status_code == 204
    ada.password = "difference engine 1822"
    assert (await ada.try_to_log_in()).status_code == 200


async def test_the_old_address_is_told_with_a_link_that_reopens_it(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    await change(app, ada)
    clock.advance(hours=1)
    await Person(ada.http, email=NEW).log_in()
    ada.tokens = (await Person(ada.http, email=NEW).log_in()).tokens
    await delete(ada)
    mail = await last_mail(app, "account_closed_undo")
    assert (mail.to, mail.values["valid_for"]) == ("ada@example.com", "71 hours")
    assert (await last_mail(app, "account_closed")).to == NEW
    assert (await undo(ada, mail.token)).status_code == 204


async def test_the_link_lives_no_longer_than_the_one_it_repeats(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    await change(app, ada)
    clock.advance(minutes=10)
    await delete(ada)
    token = (await last_mail(app, "account_closed_undo")).token
    clock.advance(hours=72, minutes=-10)
    assert (await undo(ada, token)).status_code == 400


async def test_both_addresses_stay_reserved_until_then(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    await delete(ada)
    for email in ("ada@example.com", NEW):
        body = {"email": email, "password": PASSWORD}
        assert (await ada.http.post("/auth/register", json=body)).status_code == 409


async def test_it_is_deleted_once_the_last_link_has_expired(
    app: FastAPI, ada: Person, bob: Person, clock: MovingClock
) -> None:
    await change(app, ada)
    clock.advance(hours=1)
    ada.tokens = (await Person(ada.http, email=NEW).log_in()).tokens
    await ask(ada, "third@example.com")
    await confirm(ada, (await last_mail(app, "email_change_confirm")).token)
    await delete(ada)
    clock.advance(hours=72, seconds=-1)
    await app.state.account_removal.remove_closed()
    assert len(await stored_users(app)) == 2
    clock.advance(seconds=1)
    await app.state.account_removal.remove_closed()
    assert [user.email for user in await stored_users(app)] == [bob.email]
    async with app.state.database.transaction() as db:
        tokens = select(func.count()).select_from(MailedToken).where(MailedToken.email != bob.email)
        assert await db.scalar(tokens) == 0
    assert "user.deleted" in await actions(app)


async def test_a_mailed_token_of_before_is_void(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    await ada.http.post("/auth/password/forgot", json={"email": NEW})
    reset = (await last_mail(app, "password_reset")).token
    await delete(ada)
    body = {"token": reset, "new_password": "difference engine 1822"}
    assert (await ada.http.post("/auth/password/reset", json=body)).status_code == 400


async def test_no_reset_is_mailed_to_a_closed_account(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    await delete(ada)
    await ada.http.post("/auth/password/forgot", json={"email": NEW})
    with pytest.raises(IndexError):
        await last_mail(app, "password_reset")


async def test_an_administrator_s_disabling_outlives_the_way_back(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    token = await change(app, ada)
    await change_users(app, disabled_at=clock.now())
    assert (await undo(ada, token)).status_code == 204
    [user] = await stored_users(app)
    assert user.disabled_at == clock.now()


async def test_a_wrong_password_closes_nothing(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    assert (await delete(ada, "wrong")).status_code == 403
    assert await ada.is_logged_in()


async def test_the_last_administrator_cannot_close_their_account(app: FastAPI, ada: Person) -> None:
    await change(app, ada)
    await change_users(app, roles=["user", "admin"])
    assert (await delete(ada)).status_code == 409
