"""Nobody uses up another's mails, and nobody floods a stranger's mailbox."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory, client_of
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock

ADDRESS = "ada@example.com"
RESET = f"password_reset to {ADDRESS}"
STRANGER = ("203.0.113.9", 1)


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(rate_limit_mail="2/day", rate_limit_mail_address="5/day") as started:
        yield started


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Person:
    """Ada, with a verified address, on a device that sends no cookie."""
    person = await (await Person(client).register()).log_in()
    await change_users(app, email_verified=True)
    return person


async def device_cookie(ada: Person) -> str:
    """What Ada's browser keeps after a login."""
    return (await ada.try_to_log_in()).cookies["__Host-device"]


async def resets(app: FastAPI) -> int:
    return (await kinds(app)).count(RESET)


async def forget(http: httpx.AsyncClient) -> None:
    answer = await http.post("/auth/password/forgot", json={"email": ADDRESS})
    assert answer.status_code == 202


async def test_another_network_has_mails_of_its_own(app: FastAPI, ada: Person) -> None:
    async with client_of(app, peer=STRANGER) as stranger:
        for _ in range(4):
            await forget(stranger)
    assert await resets(app) == 2
    await forget(ada.http)
    assert await resets(app) == 3


async def test_a_known_device_gets_a_link_whatever_strangers_asked_for(
    app: FastAPI, ada: Person
) -> None:
    for network in range(4):
        async with client_of(app, peer=(f"203.0.{network}.9", 1)) as stranger:
            await forget(stranger)
            await forget(stranger)
    before = await resets(app)
    assert before == 4  # one mail went out when Ada registered
    await forget(ada.http)
    assert await resets(app) == before
    ada.http.headers["Cookie"] = f"__Host-device={await device_cookie(ada)}"
    await forget(ada.http)
    assert await resets(app) == before + 1


async def test_without_a_live_link_the_owner_gets_one(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    for _ in range(4):
        await forget(ada.http)
    assert await resets(app) == 2
    clock.advance(seconds=1801)
    await forget(ada.http)
    await forget(ada.http)
    assert await resets(app) == 3


async def test_an_address_nobody_verified_is_owed_no_link(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock
) -> None:
    await Person(client).register()
    for _ in range(5):
        await forget(client)
        clock.advance(seconds=1801)
    assert await resets(app) == 2


async def test_registering_and_deleting_over_and_over_floods_nobody(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for _ in range(8):
        ada = await (await Person(client).register()).log_in()
        answer = await ada.ask("DELETE", "/users/me", password=ada.password)
        assert answer.status_code == 204
    assert len(await kinds(app)) <= 5


async def test_notices_to_an_address_nobody_verified_are_bounded(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    ada = await (await Person(client).register()).log_in()
    old, new = ada.password, "difference engine 1822"
    for _ in range(8):
        body = {"current_password": old, "new_password": new}
        answer = await ada.ask("PUT", "/users/me/password", **body)
        assert answer.status_code == 204
        old, new = new, old
    assert len(await kinds(app)) == 5


async def test_notices_to_a_verified_address_are_not(app: FastAPI, ada: Person) -> None:
    old, new = ada.password, "difference engine 1822"
    for _ in range(8):
        body = {"current_password": old, "new_password": new}
        await ada.ask("PUT", "/users/me/password", **body)
        old, new = new, old
    assert (await kinds(app)).count(f"password_changed to {ADDRESS}") == 8
