"""A device that logged in before is out of strangers' reach, and has an allowance of its own."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.login.guesses import ADA, guess, guesses
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.moving_clock import MovingClock

ALLOWANCE = 10


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(throttle_network_tries=5, throttle_address_tries=50) as started:
        async with client_of(started) as http:
            await Person(http).register()
        yield started


@pytest.fixture
async def device(app: FastAPI) -> str:
    """The cookie of Ada's browser."""
    answer = await guess(app, ADA, PASSWORD)
    return str(answer.cookies["__Host-device"])


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: FastAPI) -> None:
    answer = await guess(app, ADA, PASSWORD)
    [line] = answer.headers.get_list("set-cookie")
    assert set(line.split("; ")[1:]) == {
        "HttpOnly",
        "Secure",
        "SameSite=Strict",
        "Path=/",
        "Max-Age=34560000",
    }


async def test_a_failure_sets_no_cookie(app: FastAPI) -> None:
    assert "set-cookie" not in (await guess(app, ADA)).headers


async def test_the_token_endpoint_sets_it_too(app: FastAPI) -> None:
    form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
    async with client_of(app) as client:
        answer = await client.post("/oauth/token", data=form)
    assert "__Host-device" in answer.cookies


async def test_it_authenticates_nobody(app: FastAPI, device: str) -> None:
    async with client_of(app, headers={"Cookie": f"__Host-device={device}"}) as client:
        assert (await client.get("/users/me")).status_code == 401
        assert (await client.post("/auth/refresh")).status_code == 401
        assert (await client.post("/auth/logout")).status_code == 204


async def test_a_known_device_does_not_wait_for_what_strangers_did(
    app: FastAPI, device: str
) -> None:
    assert await guesses(app, ADA, 6) == [401] * 5 + [429]
    assert (await guess(app, ADA, PASSWORD, device=device)).status_code == 200


async def test_its_success_does_not_let_strangers_begin_anew(app: FastAPI, device: str) -> None:
    await guesses(app, ADA, 5)
    await guess(app, ADA, PASSWORD, device=device)
    assert await guesses(app, ADA, 1) == [429]


async def test_its_failures_do_not_make_strangers_wait(app: FastAPI, device: str) -> None:
    await guesses(app, ADA, 6, device=device)
    assert await guesses(app, ADA, 1) == [401]


async def test_its_own_failures_are_bounded_then_it_is_a_stranger(
    app: FastAPI, device: str
) -> None:
    statuses = await guesses(app, ADA, ALLOWANCE + 6, device=device)
    assert statuses == [401] * (ALLOWANCE + 5) + [429]


async def test_a_success_gives_it_its_allowance_back(app: FastAPI, device: str) -> None:
    await guesses(app, ADA, ALLOWANCE - 1, device=device)
    assert (await guess(app, ADA, PASSWORD, device=device)).status_code == 200
    assert await guesses(app, ADA, ALLOWANCE, device=device) == [401] * ALLOWANCE


async def test_a_day_without_a_try_does_as_well(
    app: FastAPI, device: str, clock: MovingClock
) -> None:
    await guesses(app, ADA, ALLOWANCE + 6, device=device)
    clock.advance(days=1, seconds=1)
    assert await guesses(app, ADA, ALLOWANCE, device=device) == [401] * ALLOWANCE


async def test_it_is_known_to_its_own_account_only(app: FastAPI, device: str) -> None:
    async with client_of(app) as http:
        await Person(http, email="bob@example.com").register()
    assert await guesses(app, "bob@example.com", 6, device=device) == [401] * 5 + [429]


@pytest.mark.parametrize("cookie", ["", "A" * 70, "x" * 5000])
async def test_a_made_up_cookie_is_worth_nothing(app: FastAPI, cookie: str) -> None:
    assert await guesses(app, ADA, 6, device=cookie) == [401] * 5 + [429]


async def test_a_password_asked_for_once_more_is_on_the_devices_allowance(
    app: FastAPI,
) -> None:
    async with client_of(app) as client:
        ada = await Person(client).log_in()
        device = client.cookies.get("__Host-device")
        client.headers["Cookie"] = f"__Host-device={device}"
        await guesses(app, ADA, 6)
        answer = await ada.ask(
            "PUT", "/users/me/password", current_password=PASSWORD, new_password="aether 1887 wind"
        )
        assert answer.status_code == 204


async def test_a_login_from_it_is_no_news_whatever_it_calls_itself(
    app: FastAPI, device: str
) -> None:
    async with client_of(app, headers={"Cookie": f"__Host-device={device}"}) as client:
        await Person(client, device="Mozilla/5.0 (X11; Linux) Firefox/120.0").log_in()
        assert "new_device to ada@example.com" not in await kinds(app)
        del client.headers["Cookie"]
        client.cookies.clear()
        await Person(client, device="curl/8.1").log_in()
        assert "new_device to ada@example.com" in await kinds(app)
