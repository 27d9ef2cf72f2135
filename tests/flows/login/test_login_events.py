"""What a login, or a failed one, leaves behind: an event, and a mail about a new device."""

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.events import actions, events
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.moving_clock import MovingClock

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
NEW_DEVICE = "new_device to ada@example.com"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_a_failed_login_is_written_down_although_the_answer_is_an_error(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, email: str
) -> None:
    headers = {"X-Request-ID": "a-request"}
    body = {"email": email, "password": "wrong"}
    answer = await client.post("/auth/login", json=body, headers=headers)
    assert answer.status_code == 401
    failure = (await events(app))[-1]
    assert (failure.action, failure.outcome) == ("login", "failure")
    assert (failure.subject_id is not None) == (email == ada.email)
    assert (failure.ip, failure.request_id) == ("198.51.100.7", "a-request")
    assert set(failure.details) == {"address"}
    assert email not in str(failure.details)


async def test_a_login_is_written_down_with_its_session(app: FastAPI, ada: Person) -> None:
    assert await actions(app) == ["user.registered", "login"]
    login = (await events(app))[-1]
    assert str(login.session_id) == ada.tokens["session_id"]
    assert login.subject_id == login.actor_id


async def test_the_first_login_is_no_news(app: FastAPI, ada: Person) -> None:
    assert NEW_DEVICE not in await kinds(app)


async def test_a_device_that_was_not_seen_before_is_told_by_mail(app: FastAPI, ada: Person) -> None:
    await ada.on(CHROME.format(140))
    mail = await last_mail(app, "new_device")
    assert mail.values["device"] == "Chrome on Linux"
    assert (await actions(app))[-2:] == ["login", "login.new_device"]


async def test_a_known_device_is_no_news_even_in_a_newer_version_or_logged_out(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    first = await ada.on(CHROME.format(140))
    await first.http.post("/auth/logout", headers=first.headers)
    clock.advance(hours=20)
    await ada.on(CHROME.format(141))
    assert (await kinds(app)).count(NEW_DEVICE) == 1


async def test_a_login_by_form_leaves_the_same(app: FastAPI, client: httpx.AsyncClient) -> None:
    await Person(client).register()
    form = {"grant_type": "password", "username": "ada@example.com", "password": "wrong"}
    await client.post("/oauth/token", data=form)
    await client.post("/oauth/token", data=form | {"password": PASSWORD})
    assert await actions(app) == ["user.registered", "login failed", "login"]


async def test_a_login_before_the_verification_is_written_down_although_the_answer_is_an_error(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as http:
        await Person(http).register()
        answer = await Person(http).try_to_log_in()
        assert (answer.status_code, answer.json()["code"]) == (403, "email_not_verified")
        event = (await events(app))[-1]
        assert (event.action, event.outcome) == ("login", "failure")
        assert event.details == {"reason": "email_not_verified"}


async def test_logins_are_counted_by_how_they_ended(new_app: AppFactory) -> None:
    async with new_app(metrics_token="a token for metrics") as app, client_of(app) as client:
        ada = await (await Person(client).register()).log_in()
        await Person(client, ada.email, "a wrong password").try_to_log_in()
        await Person(client, "nobody@example.com").try_to_log_in()
        text = app.state.metrics.exposition().decode()
    assert 'auth_logins_total{outcome="success"} 1.0' in text
    assert 'auth_logins_total{outcome="failure"} 2.0' in text
