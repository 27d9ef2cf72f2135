"""Of an account that may not be used nothing tells whether the password was right."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from passlib.hash import bcrypt

from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_users
from tests.flows.watched_hashing import count_hashing

TRIES = 3
STATES = ["disabled", "stopped", "stopped-and-unverified"]


async def put_into(app: FastAPI, state: str) -> None:
    if state == "disabled":
        await change_users(app, disabled_at=app.state.clock.now(), email_verified=True)
    else:
        await change_users(
            app, failed_logins=100, email_verified=state == "stopped", disabled_at=None
        )


async def answers_of(http: httpx.AsyncClient, password: str) -> list[tuple[int, Any]]:
    """What some logins with the password are answered, by both ways in."""
    found = []
    for _ in range(2):
        login = await Person(http, password=password).try_to_log_in()
        form = {"grant_type": "password", "username": "ada@example.com", "password": password}
        grant = await http.post("/oauth/token", data=form)
        found += [(login.status_code, login.json()["code"])]
        found += [(grant.status_code, grant.json()["error"])]
    return found


@pytest.mark.parametrize("password", [PASSWORD, "another password altogether"])
@pytest.mark.parametrize("state", STATES)
async def test_answers_counters_and_work_are_those_of_a_wrong_password(
    new_app: AppFactory, state: str, password: str
) -> None:
    settings = {"throttle_network_tries": TRIES, "bcrypt_rounds": 5}
    async with new_app(require_verified_email=True, **settings) as app, client_of(app) as http:
        await Person(http).register()
        # One that a login would replace, had it been any other account.
        old = bcrypt.using(rounds=4).hash(PASSWORD)
        await change_users(app, password_hash=old)
        await put_into(app, state)
        before = (await stored_users(app))[0].failed_logins
        scheme = count_hashing(app)
        answers = await answers_of(http, password)
        [user] = await stored_users(app)
    assert answers == [
        (401, "invalid_credentials"),
        (400, "invalid_grant"),
        (401, "invalid_credentials"),
        (429, "temporarily_unavailable"),
    ]
    assert (user.failed_logins - before, user.password_hash, scheme.work) == (TRIES, old, [])


@pytest.mark.parametrize("state", STATES)
async def test_no_password_of_such_an_account_is_looked_up_among_the_breached(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    await Person(client).register()
    await put_into(app, state)
    asked: list[str] = []

    async def has(password: str) -> bool:
        asked.append(password)
        return False

    monkeypatch.setattr(app.state.breached_passwords, "has", has)
    await Person(client).try_to_log_in()
    assert asked == []
