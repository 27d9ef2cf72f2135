"""Wrong passwords in a row make an address wait, whoever tries and whoever's it is."""

from collections.abc import AsyncIterator
from typing import NoReturn

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from auth_service.methods.password.errors import Busy
from auth_service.throttle import service
from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.login.guesses import ADA, NOBODY, guess, guesses
from tests.flows.mails import last_mail
from tests.flows.people import Person
from tests.moving_clock import MovingClock

LADDERS = {"throttle_network_tries": 5, "throttle_address_tries": 50}


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(**LADDERS) as started:
        async with client_of(started) as http:
            await Person(http).register()
        yield started


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_after_five_failures_from_a_network_each_try_waits_longer(
    app: FastAPI, clock: MovingClock, email: str
) -> None:
    assert await guesses(app, email, 6) == [401] * 5 + [429]
    for seconds in (1, 2, 4, 8):
        refused = await guess(app, email)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, str(seconds))
        clock.advance(seconds=seconds)
        assert await guesses(app, email, 1) == [401]


async def test_the_wait_is_fifteen_minutes_at_most(app: FastAPI, clock: MovingClock) -> None:
    await guesses(app, ADA, 5)
    for _ in range(15):
        clock.advance(minutes=15)
        assert await guesses(app, ADA, 1) == [401]
    assert (await guess(app, ADA)).headers["retry-after"] == "900"


async def test_a_refusal_is_the_same_for_an_address_without_an_account(app: FastAPI) -> None:
    answers = []
    for email in (ADA, NOBODY):
        await guesses(app, email, 5)
        answers.append(await guess(app, email))
    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "rate_limited"
    headers = [sorted(set(answer.headers) - {"x-request-id"}) for answer in answers]
    assert headers[0] == headers[1]


async def test_the_right_password_has_to_wait_too(app: FastAPI, clock: MovingClock) -> None:
    await guesses(app, ADA, 5)
    assert (await guess(app, ADA, PASSWORD)).status_code == 429
    clock.advance(seconds=1)
    assert (await guess(app, ADA, PASSWORD)).status_code == 200


async def test_a_success_begins_anew_with_its_own_address_alone(app: FastAPI) -> None:
    await guesses(app, ADA, 4)
    await guesses(app, NOBODY, 5)
    assert (await guess(app, ADA, PASSWORD)).status_code == 200
    assert await guesses(app, ADA, 6) == [401] * 5 + [429]
    assert await guesses(app, NOBODY, 1) == [429]


@pytest.mark.parametrize(
    "spelling", ["ADA@example.com", " ada@EXAMPLE.com ", "ada@\uff45xample.com"]
)
async def test_every_spelling_of_an_address_counts_together(app: FastAPI, spelling: str) -> None:
    await guesses(app, ADA, 3)
    await guesses(app, spelling, 2)
    assert await guesses(app, ADA, 1) == [429]


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("192.0.2.1", "192.0.2.200", 429),
        ("192.0.2.1", "192.0.3.1", 401),
        ("2001:db8::1", "2001:db8::ffff", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 401),
    ],
)
async def test_the_addresses_of_one_network_are_one_client(
    app: FastAPI, first: str, second: str, status: int
) -> None:
    await guesses(app, ADA, 5, ip=first)
    assert await guesses(app, ADA, 1, ip=second) == [status]


async def test_after_fifty_failures_the_whole_world_waits_a_minute_at_most(
    app: FastAPI, clock: MovingClock
) -> None:
    networks = (f"10.0.{number}.1" for number in range(200))
    for _ in range(50):
        assert await guesses(app, ADA, 1, ip=next(networks)) == [401]
    for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
        refused = await guess(app, ADA, ip=next(networks))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, str(seconds))
        clock.advance(seconds=seconds)
        assert await guesses(app, ADA, 1, ip=next(networks)) == [401]


async def test_the_token_endpoint_counts_together_with_the_login(app: FastAPI) -> None:
    form = {"grant_type": "password", "username": ADA, "password": "wrong"}
    async with client_of(app) as client:
        for _ in range(5):
            assert (await client.post("/oauth/token", data=form)).status_code == 400
        answer = await client.post("/oauth/token", data=form)
    assert (answer.status_code, "error" in answer.json()) == (429, True)
    assert int(answer.headers["retry-after"]) == 1
    assert await guesses(app, ADA, 1) == [429]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/users/me", {"password": "wrong"}),
        ("POST", "/users/me/email", {"password": "wrong", "new_email": "new@example.com"}),
        ("PUT", "/users/me/password", {"current_password": "wrong", "new_password": "aether 1887"}),
    ],
)
async def test_a_password_that_is_asked_for_once_more_counts_with_the_login(
    app: FastAPI, clock: MovingClock, method: str, path: str, body: dict[str, str]
) -> None:
    async with client_of(app) as client:
        ada = await Person(client).log_in()
        client.cookies.clear()
        for _ in range(5):
            assert (await ada.ask(method, path, **body)).status_code == 403
        answer = await ada.ask(method, path, **body)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert answer.headers["retry-after"] == "1"
        assert await guesses(app, ADA, 1) == [429]
        clock.advance(seconds=1)
        right = {name: PASSWORD if value == "wrong" else value for name, value in body.items()}
        assert (await ada.ask(method, path, **right)).status_code in {202, 204}


async def test_a_new_password_lets_the_address_begin_anew(app: FastAPI) -> None:
    await guesses(app, ADA, 5)
    async with client_of(app) as client:
        await reset(app, client)
    assert (await guess(app, ADA, "difference engine 1822")).status_code == 200


async def test_whoever_is_turned_away_as_busy_has_not_tried(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    await guesses(app, ADA, 4)
    with monkeypatch.context() as full:
        full.setattr(app.state.hasher, "verify", busy)
        assert await guesses(app, ADA, 3) == [503] * 3
    assert await guesses(app, ADA, 2) == [401, 429]


async def test_who_waits_too_long_for_tries_under_way_is_refused(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PATIENCE_SECONDS", 0.2)
    client = ClientInfo("198.51.100.7")
    for _ in range(5):
        await app.state.throttle.begin(Email.parse(ADA), client, device_id=None)
    answer = await guess(app, ADA, PASSWORD)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def busy(*_: object) -> NoReturn:
    raise Busy


async def reset(app: FastAPI, client: httpx.AsyncClient) -> None:
    await client.post("/auth/password/forgot", json={"email": ADA})
    token = (await last_mail(app, "password_reset")).token
    body = {"token": token, "new_password": "difference engine 1822"}
    assert (await client.post("/auth/password/reset", json=body)).status_code == 204
