"""When a secret may leave ``AUTH_SECRET_KEYS``, and what is put under the next one."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.mail.models import OutboxMail
from auth_service.mailed_tokens.models import WISH_ADDRESS
from auth_service.parts import SEALED
from auth_service.setting_sources import SettingsError
from tests.conftest import SECRET, AppFactory, client_of
from tests.flows.people import Person
from tests.moving_clock import MovingClock

NEW = "another secret of the tests, at least 32 characters"
OLD_FINGERPRINT = Keyring.of([SECRET]).fingerprints[0].hex()
IDLE = timedelta(days=14)


@pytest.fixture
async def person(new_app: AppFactory) -> Person:
    """Somebody who is logged in with a refresh token made with the old secret."""
    async with new_app() as app, client_of(app) as http:
        person = await Person(http).register()
        await person.log_in()
    return person


async def reencrypt(app: FastAPI) -> dict[str, int]:
    async with app.state.database.transaction() as db:
        found: dict[str, int] = await app.state.secret_keys.reencrypt(db)
        return {name: count for name, count in found.items() if count}


async def missing(app: FastAPI) -> str:
    """What is said of secrets that are missing; empty where none is."""
    try:
        await app.state.secret_keys.ensure_none_is_missing()
    except SettingsError as fault:
        return str(fault)
    return ""


async def test_everything_is_put_under_the_new_secret(new_app: AppFactory) -> None:
    async with new_app() as app, client_of(app) as http:
        await Person(http).register()  # a mail waits
        async with app.state.database.transaction() as db:
            made = await app.state.webhooks.create(db, "https://example.com/hook", ["user.created"])
        async with app.state.database.transaction() as db:
            await app.state.webhooks.change_secret(db, made.endpoint.id)
        await app.state.audit_keys.get()
    async with new_app(secret_keys=[NEW, SECRET]) as app:
        # A wish for mail is fulfilled within the second.
        assert set(await reencrypt(app)) == {each.name for each in SEALED} - {WISH_ADDRESS.name}
        assert await reencrypt(app) == {}
    async with new_app(secret_keys=[NEW]) as app, client_of(app) as http:
        await app.state.audit_keys.get()
        assert await Person(http).log_in()
        assert {mail.to for mail in await app.state.mailbox.list_latest()} == {"ada@example.com"}


async def test_what_somebody_changes_meanwhile_is_left_alone(new_app: AppFactory) -> None:
    """A mail that leaves while it is put under another secret is not brought back."""
    async with new_app() as app, client_of(app) as http:
        await Person(http).register()
    async with new_app(secret_keys=[NEW, SECRET]) as app:
        async with app.state.database.transaction() as db:
            (await db.scalars(select(OutboxMail))).one().payload = None
        assert "mails and deliveries" not in await reencrypt(app)


async def test_without_the_old_secret_nothing_is_changed(new_app: AppFactory) -> None:
    async with new_app() as app, client_of(app) as http:
        await Person(http).register()
    async with new_app() as app:
        app.state.secret_keys._keyring = Keyring.of([NEW])
        with pytest.raises(UndecryptableError):
            await reencrypt(app)
        assert OLD_FINGERPRINT in await missing(app)
    async with new_app(secret_keys=[NEW, SECRET]) as app:
        assert "signing keys" in await reencrypt(app)


async def test_a_secret_is_needed_until_the_idle_limit_has_passed_since_it_signed(
    new_app: AppFactory, clock: MovingClock, person: Person
) -> None:
    async with new_app(secret_keys=[SECRET, NEW]) as app:
        assert await missing(app) == ""
    clock.advance(days=100)
    async with new_app(secret_keys=[NEW, SECRET]) as app:
        await reencrypt(app)
    async with new_app(secret_keys=[NEW]) as app, client_of(app):
        assert f"the secret {OLD_FINGERPRINT}, which signed until" in await missing(app)
        clock.advance(seconds=IDLE.total_seconds() - 1)
        assert "put it back behind a comma until" in await missing(app)
        clock.advance(seconds=1)
        assert await missing(app) == ""


async def test_a_secret_that_signs_is_needed_and_so_is_what_it_encrypts(
    new_app: AppFactory, person: Person
) -> None:
    async with new_app(secret_keys=[SECRET, NEW]) as app:
        app.state.secret_keys._keyring = Keyring.of([NEW])
        text = await missing(app)
        assert "run `auth-service keys reencrypt`" in text
        assert "signing keys" in text
        app.state.secret_keys._keyring = Keyring.of([NEW, SECRET])
        await reencrypt(app)
        app.state.secret_keys._keyring = Keyring.of([NEW])
        assert "which signs until another one is first" in await missing(app)


async def test_a_secret_that_signs_again_is_needed_again(
    new_app: AppFactory, clock: MovingClock
) -> None:
    """As during a deployment, while some replicas have the new one first and some the old one."""
    async with new_app(secret_keys=[SECRET, NEW]), new_app(secret_keys=[NEW, SECRET]) as ahead:
        clock.advance(days=1)
        async with new_app(secret_keys=[SECRET, NEW]) as behind:
            await behind.state.secret_keys.note_use()
            clock.advance(days=1)
            await ahead.state.secret_keys.note_use()
            [use] = [
                use
                for use in await ahead.state.secret_keys.list_uses()
                if use.fingerprint == OLD_FINGERPRINT
            ]
    assert use.signed_until == clock.now()
    assert use.needed_until == clock.now() + IDLE


async def test_a_secret_that_others_may_have_may_leave_at_once(
    new_app: AppFactory, person: Person
) -> None:
    async with new_app(secret_keys=[NEW, SECRET]) as app:
        await reencrypt(app)
    async with new_app(secret_keys=[NEW]) as app, client_of(app) as http:
        assert OLD_FINGERPRINT in await missing(app)
        async with app.state.database.transaction() as db:
            assert not await app.state.secret_keys.withdraw(db, "no fingerprint")
            assert not await app.state.secret_keys.withdraw(db, "00" * 8)
            assert await app.state.secret_keys.withdraw(db, OLD_FINGERPRINT)
        assert await missing(app) == ""
        answer = await refreshed(http, person)
        assert answer.status_code == 401


async def test_a_refresh_token_of_the_old_secret_is_good_while_that_is_configured(
    new_app: AppFactory, person: Person
) -> None:
    async with new_app(secret_keys=[NEW, SECRET]) as app, client_of(app) as http:
        assert (await refreshed(http, person)).status_code == 200


async def refreshed(http: httpx.AsyncClient, person: Person) -> httpx.Response:
    token = person.tokens["refresh_token"]
    return await http.post("/auth/refresh", json={"refresh_token": token})
