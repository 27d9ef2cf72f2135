"""``AUTH_UNVERIFIED_TTL``: accounts that nobody ever verified or used go by themselves."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from auth_service.core.emails import Email
from auth_service.flows.account import removal
from auth_service.mailed_tokens.token import Purpose
from tests.conftest import AppFactory, client_of
from tests.flows.events import events
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock

LONG_AGO = timedelta(days=31)


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(unverified_ttl=timedelta(days=30)) as started:
        yield started


async def registered(app: FastAPI, *names: str) -> list[Person]:
    http = client_of(app)
    return [await Person(http, email=f"{name}@example.com").register() for name in names]


async def remains(app: FastAPI, clock: MovingClock) -> bool:
    clock.advance(seconds=LONG_AGO.total_seconds())
    await app.state.account_removal.remove_never_used()
    answer = await registered_again(app)
    return answer == 409


async def registered_again(app: FastAPI) -> int:
    body = {"email": "ada@example.com", "password": "difference engine 1822"}
    async with client_of(app) as http:
        return (await http.post("/auth/register", json=body)).status_code


async def test_an_account_that_was_never_used_goes_without_a_word(
    app: FastAPI, clock: MovingClock
) -> None:
    await registered(app, "ada")
    assert not await remains(app, clock)
    deletion = next(event for event in await events(app) if event.action == "user.deleted")
    assert deletion.actor_id is None
    assert "account_deleted to ada@example.com" not in await kinds(app)


async def test_it_stays_until_then(app: FastAPI, clock: MovingClock) -> None:
    await registered(app, "ada")
    clock.advance(days=30)
    await app.state.account_removal.remove_never_used()
    assert await registered_again(app) == 409


@pytest.mark.parametrize(
    "fact",
    [
        {"email_verified": True},
        {"last_login_at": True},
        {"disabled_at": True},
        {"roles": ["user", "admin"]},
    ],
    ids=lambda fact: next(iter(fact)),
)
async def test_what_was_used_or_matters_stays(
    app: FastAPI, clock: MovingClock, fact: dict[str, Any]
) -> None:
    await registered(app, "ada")
    now: datetime = clock.now()
    times = {name: now for name, value in fact.items() if name.endswith("_at") and value}
    await change_users(app, **(fact | times))
    assert await remains(app, clock)


async def test_a_link_that_is_good_keeps_it(app: FastAPI, clock: MovingClock) -> None:
    [ada] = await registered(app, "ada")
    clock.advance(days=29, hours=23)
    async with app.state.database.transaction() as db:
        user = (await events(app))[0].subject_id
        await app.state.mailed_tokens.issue(
            db, user, Purpose.RESET_PASSWORD, bound_to=Email.parse(ada.email), ttl=LONG_AGO * 2
        )
    assert await remains(app, clock)


async def test_all_of_them_go_however_many(
    app: FastAPI, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    await registered(app, "ada", "bob", "cyd", "dan", "eve")
    assert not await remains(app, clock)
    assert len([event for event in await events(app) if event.action == "user.deleted"]) == 5


async def test_by_default_they_are_kept(new_app: AppFactory, clock: MovingClock) -> None:
    async with new_app() as app:
        await registered(app, "ada")
        assert await remains(app, clock)
