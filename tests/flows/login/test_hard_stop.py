"""A hundred wrong passwords in a row stop a password; the owner's devices and sessions go on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from auth_service.users import change_repository
from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.events import actions
from tests.flows.login.guesses import ADA, NOBODY, guess, guesses
from tests.flows.login.test_ladders import reset
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_users

STOP = 7
NEW = "difference engine 1822"


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(throttle_hard_stop=STOP, throttle_device_tries=3) as started:
        async with client_of(started) as http:
            await Person(http).register()
        yield started


async def failures(app: FastAPI) -> tuple[int, int]:
    [user] = await stored_users(app)
    return user.failed_logins, user.failed_device_logins


async def known_device(app: FastAPI) -> str:
    answer = await guess(app, ADA, PASSWORD)
    assert answer.status_code == 200
    return str(answer.cookies["__Host-device"])


async def test_at_the_stop_the_right_password_is_answered_like_a_wrong_one(app: FastAPI) -> None:
    await guesses(app, ADA, STOP)
    right, wrong = await guess(app, ADA, PASSWORD), await guess(app, ADA)
    unknown = await guess(app, NOBODY)
    for answer in (right, wrong, unknown):
        assert answer.status_code == 401
        assert answer.json() | {"request_id": ""} == wrong.json() | {"request_id": ""}
        assert sorted(answer.headers) == sorted(wrong.headers)


async def test_one_before_the_stop_it_still_works_and_begins_anew(app: FastAPI) -> None:
    await guesses(app, ADA, STOP - 1)
    assert (await guess(app, ADA, PASSWORD)).status_code == 200
    assert await failures(app) == (0, 0)
    await guesses(app, ADA, STOP - 1)
    assert (await guess(app, ADA, PASSWORD)).status_code == 200


async def test_it_is_written_down_and_the_owner_told_once(app: FastAPI) -> None:
    await guesses(app, ADA, STOP + 3)
    assert (await actions(app)).count("password.stopped") == 1
    assert (await kinds(app)).count(f"hard_stop to {ADA}") == 1


async def test_who_may_not_use_the_account_is_told_nothing(app: FastAPI) -> None:
    await execute_disable(app)
    await guesses(app, ADA, STOP)
    assert "password.stopped" in await actions(app)
    assert f"hard_stop to {ADA}" not in await kinds(app)


async def execute_disable(app: FastAPI) -> None:
    await change_users(app, disabled_at=app.state.audit._clock.now())


async def test_sessions_go_on(app: FastAPI) -> None:
    tokens: dict[str, Any] = (await guess(app, ADA, PASSWORD)).json()
    await guesses(app, ADA, STOP)
    async with client_of(app) as client:
        assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 200


async def test_what_asks_for_the_password_once_more_stops_as_well(app: FastAPI) -> None:
    async with client_of(app) as client:
        ada = await Person(client).log_in()
        client.cookies.clear()
        await guesses(app, ADA, STOP)
        answer = await ada.ask(
            "PUT", "/users/me/password", current_password=PASSWORD, new_password=NEW
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
        assert (await ada.ask("DELETE", "/users/me", password=PASSWORD)).status_code == 403
    assert len(await stored_users(app)) == 1


async def test_a_reset_makes_the_new_password_work(app: FastAPI) -> None:
    await guesses(app, ADA, STOP)
    async with client_of(app) as client:
        await reset(app, client)
    assert (await guess(app, ADA, NEW)).status_code == 200
    assert await failures(app) == (0, 0)


async def test_an_unlock_makes_the_old_one_work(app: FastAPI) -> None:
    await guesses(app, ADA, STOP)
    [user] = await stored_users(app)
    async with app.state.database.transaction() as db:
        assert await change_repository.unlock(db, user.id)
    assert (await guess(app, ADA, PASSWORD)).status_code == 200


async def test_a_known_device_logs_in_all_the_same_and_lifts_no_stop(app: FastAPI) -> None:
    device = await known_device(app)
    await guesses(app, ADA, STOP)
    assert (await guess(app, ADA, PASSWORD, device=device)).status_code == 200
    assert await failures(app) == (STOP, 0)
    assert (await guess(app, ADA, PASSWORD)).status_code == 401


async def test_a_login_from_a_known_device_ends_a_row_below_the_stop(app: FastAPI) -> None:
    device = await known_device(app)
    await guesses(app, ADA, STOP - 1)
    assert (await guess(app, ADA, PASSWORD, device=device)).status_code == 200
    assert await failures(app) == (0, 0)


async def test_the_failures_of_a_known_device_are_not_the_strangers(app: FastAPI) -> None:
    device = await known_device(app)
    await guesses(app, ADA, 2, device=device)
    assert await failures(app) == (0, 2)


async def test_all_known_devices_together_have_so_many_failures_as_well(app: FastAPI) -> None:
    devices = [await known_device(app) for _ in range(4)]
    for device in devices:
        await guesses(app, ADA, 2, device=device)
    # The last of them was counted among the strangers: devices were known no more.
    assert await failures(app) == (1, STOP)
    await guesses(app, ADA, STOP)
    assert (await guess(app, ADA, PASSWORD, device=devices[0])).status_code == 401
    assert f"hard_stop to {ADA}" in await kinds(app)


async def test_a_right_password_beyond_the_stop_does_not_show_in_the_waits(
    new_app: AppFactory,
) -> None:
    async with new_app(throttle_hard_stop=3, throttle_network_tries=5) as app:
        async with client_of(app) as http:
            await Person(http).register()
        await guesses(app, ADA, 3)
        for _ in range(2):
            assert (await guess(app, ADA, PASSWORD)).status_code == 401
        assert (await guess(app, ADA, PASSWORD)).status_code == 429
