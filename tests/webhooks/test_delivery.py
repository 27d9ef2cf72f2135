"""What happens is told to other services: signed, at least once, and nothing but ids."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.mail.models import OutboxMail
from auth_service.verifier import verify_webhook
from auth_service.webhooks import delivery
from auth_service.webhooks.event_types import TYPES
from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.events import events
from tests.flows.people import Person
from tests.moving_clock import MovingClock
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
async def app(new_app: AppFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """One that delivers when a test says so."""
    monkeypatch.setattr("auth_service.app.background_work", lambda _: [_nothing()])
    async with new_app() as started:
        yield started


async def _nothing() -> None:
    """In place of the background work."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def secret(app: FastAPI, receiver: Receiver) -> str:
    """The secret of an endpoint that gets everything."""
    async with app.state.database.transaction() as db:
        made = await app.state.webhooks.create(db, receiver.url, None)
    return str(made.secret)


async def deliver(app: FastAPI) -> None:
    """Send what is due, until nothing is under way."""
    sender = app.state.webhook_sender
    async with asyncio.timeout(30):
        await sender.send_due()
        while sender._sending:
            await asyncio.wait(sender._sending)
            await sender.send_due()


async def rows(app: FastAPI) -> list[OutboxMail]:
    from sqlalchemy import select

    async with app.state.database.transaction() as db:
        statement = select(OutboxMail).where(OutboxMail.kind == "webhook").order_by(OutboxMail.id)
        return list(await db.scalars(statement))


async def test_what_happens_to_an_account_is_told_signed_and_by_ids_alone(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    ada = await (await Person(client).register()).log_in()
    user_id = (await ada.ask("GET", "/users/me")).json()["id"]
    await ada.ask(
        "PUT", "/users/me/password", current_password=PASSWORD, new_password="aether wind 1887"
    )
    await ada.ask("POST", "/auth/logout")
    await deliver(app)
    found = [
        verify_webhook(one.headers, one.body, secrets=[secret], clock=clock.now().timestamp)
        for one in receiver.deliveries
    ]
    by_type = {event["type"]: event for event in found}
    assert set(by_type) == {"user.created", "password.changed", "session.revoked"}
    assert by_type["user.created"]["data"] == {"user_id": user_id, "session_id": None}
    assert by_type["session.revoked"]["data"]["session_id"] == ada.tokens["session_id"]
    assert "ada@example.com" not in str([one.body for one in receiver.deliveries])


async def test_the_id_of_a_delivery_stays_over_its_tries(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    receiver.status = "500 Oops"
    await Person(client).register()
    await deliver(app)
    receiver.status = "200 OK"
    clock.advance(seconds=20)
    await deliver(app)
    clock.advance(hours=1)
    await deliver(app)
    first, second = receiver.deliveries
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body


async def test_nothing_is_told_of_what_was_not_committed_or_refused(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str
) -> None:
    await Person(client).register()
    await client.post("/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    await client.post("/auth/login", json={"email": "ada@example.com", "password": "wrong"})
    await deliver(app)
    assert [json.loads(one.body)["type"] for one in receiver.deliveries] == ["user.created"]


async def test_an_endpoint_gets_what_it_asked_for(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    async with app.state.database.transaction() as db:
        await app.state.webhooks.create(db, receiver.url, ["user.deleted"])
    ada = await (await Person(client).register()).log_in()
    await ada.ask("DELETE", "/users/me", password=PASSWORD)
    await deliver(app)
    assert [json.loads(one.body)["type"] for one in receiver.deliveries] == ["user.deleted"]


@pytest.mark.parametrize(
    ("manner", "status", "error"),
    [
        ("plain", "500 Oops", "status_500"),
        ("plain", "302 Found", "status_302"),
        ("plain", "404 Not Found", "status_404"),
        ("die", "200 OK", "unreachable"),
        ("stall", "200 OK", "unreachable"),
    ],
)
async def test_what_was_not_taken_is_tried_again(
    app: FastAPI,
    client: httpx.AsyncClient,
    receiver: Receiver,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    manner: str,
    status: str,
    error: str,
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT_SECONDS", 0.5)
    receiver.manner, receiver.status = manner, status
    await Person(client).register()
    await deliver(app)
    [row] = await rows(app)
    assert (row.sent_at, row.given_up_at, row.last_error, row.attempts) == (None, None, error, 1)
    assert len(receiver.deliveries) == 1  # no redirect was followed


async def test_of_an_answer_only_the_status_is_waited_for(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str
) -> None:
    receiver.manner = "drip"
    await Person(client).register()
    await deliver(app)
    [row] = await rows(app)
    assert row.sent_at is not None
    assert row.payload is None


async def test_after_a_day_it_is_given_up_and_written_down(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    receiver.status = "500 Oops"
    await Person(client).register()
    await deliver(app)
    clock.advance(hours=25)
    await deliver(app)
    [row] = await rows(app)
    assert row.given_up_at is not None
    assert (await events(app))[-1].action == "webhook.given_up"


async def test_an_endpoint_that_is_gone_gets_nothing_more_until_it_has_a_new_secret(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str
) -> None:
    receiver.status = "410 Gone"
    await Person(client).register()
    await Person(client, email="bob@example.com").register()
    await deliver(app)
    count = len(receiver.deliveries)
    await Person(client, email="eve@example.com").register()
    await deliver(app)
    assert len(receiver.deliveries) == count
    receiver.status = "200 OK"
    async with app.state.database.transaction() as db:
        [endpoint] = await app.state.webhooks.list_page(db, after=None, limit=10)
        assert endpoint.disabled_at is not None
        await app.state.webhooks.change_secret(db, endpoint.id)
    await Person(client, email="joe@example.com").register()
    await deliver(app)
    assert len(receiver.deliveries) == count + 1


async def test_what_waits_for_an_endpoint_that_was_disabled_or_removed_is_not_sent(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    await Person(client).register()
    async with app.state.database.transaction() as db:
        [endpoint] = await app.state.webhooks.list_page(db, after=None, limit=10)
    await app.state.webhooks.disable(endpoint, because="gone")
    await deliver(app)
    [row] = await rows(app)
    assert row.last_error == "endpoint_disabled"
    async with app.state.database.transaction() as db:
        await app.state.webhooks.change_secret(db, endpoint.id)
    await Person(client, email="bob@example.com").register()
    async with app.state.database.transaction() as db:
        await app.state.webhooks.remove(db, endpoint.id)
    await deliver(app)
    assert [row.last_error for row in await rows(app)] == ["endpoint_disabled", "endpoint_removed"]
    assert receiver.deliveries == []


async def test_while_a_secret_is_changed_both_sign(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    async with app.state.database.transaction() as db:
        [endpoint] = await app.state.webhooks.list_page(db, after=None, limit=10)
        made = await app.state.webhooks.change_secret(db, endpoint.id)
    await Person(client).register()
    await deliver(app)
    [one] = receiver.deliveries
    for good in (secret, made.secret):
        assert verify_webhook(one.headers, one.body, secrets=[good], clock=clock.now().timestamp)


async def test_where_a_name_leads_is_judged_at_each_delivery(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str
) -> None:
    from auth_service.setting_types import Environment

    async def rebound(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    async with app.state.database.transaction() as db:
        port = receiver.url.split(":")[2]
        await app.state.webhooks.create(db, f"https://example.com:{port}", None)
    app.state.webhook_sender.environment = Environment.PRODUCTION
    app.state.webhook_sender.resolve = rebound
    await Person(client).register()
    await deliver(app)
    assert {row.last_error for row in await rows(app)} == {"forbidden_target"}
    assert receiver.deliveries == []


@pytest.mark.parametrize("what", ["payload", "secret"])
async def test_under_other_secrets_deliveries_wait(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, what: str
) -> None:
    from auth_service.core.secrets import Keyring

    await Person(client).register()
    owner = app.state.webhook_sender if what == "payload" else app.state.webhooks
    setattr(owner, "keyring" if what == "payload" else "_keyring", Keyring.of(["another secret"]))
    await deliver(app)
    [row] = await rows(app)
    assert (row.last_error, row.sent_at) == ("undecryptable", None)


async def test_two_workers_deliver_one_row_once(new_app: AppFactory, receiver: Receiver) -> None:
    async with new_app() as one, new_app() as other:
        async with one.state.database.transaction() as db:
            await one.state.webhooks.create(db, receiver.url, None)
        async with client_of(one) as http:
            for number in range(5):
                await Person(http, email=f"ada{number}@example.com").register()
        async with asyncio.timeout(30):
            while len(receiver.deliveries) < 5:
                await asyncio.gather(
                    one.state.webhook_sender.send_due(), other.state.webhook_sender.send_due()
                )
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert len({item.headers["webhook-id"] for item in receiver.deliveries}) == 5
        assert len(receiver.deliveries) == 5


async def test_mail_and_deliveries_do_not_wait_for_each_other(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str
) -> None:
    await Person(client).register()
    await app.state.mail_sender.send_due()
    while app.state.mail_sender._sending:
        await asyncio.wait(app.state.mail_sender._sending)
    [row] = await rows(app)
    assert row.attempts == 0


def test_the_types_are_a_closed_list() -> None:
    assert set(TYPES) == {
        "user.created",
        "user.deleted",
        "user.disabled",
        "user.enabled",
        "user.roles_changed",
        "email.verified",
        "email.changed",
        "password.changed",
        "session.revoked",
    }


async def test_a_reused_refresh_token_tells_that_its_session_is_over(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, secret: str, clock: MovingClock
) -> None:
    ada = await (await Person(client).register()).log_in()
    body: dict[str, Any] = {"refresh_token": ada.tokens["refresh_token"]}
    await client.post("/auth/refresh", json=body)
    clock.advance(minutes=1)
    assert (await client.post("/auth/refresh", json=body)).status_code == 401
    await deliver(app)
    types = [json.loads(one.body)["type"] for one in receiver.deliveries]
    assert "session.revoked" in types
