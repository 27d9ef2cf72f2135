"""An endpoint that hangs or fails delays nobody else, and after days it gets nothing more."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from auth_service.webhooks import delivery
from auth_service.webhooks.repository import StoredEndpoint
from tests.conftest import AppFactory, client_of
from tests.flows.events import actions
from tests.flows.mails import mails
from tests.flows.people import Person
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.test_delivery import _nothing, deliver, rows

EVENTS = 20


@pytest.fixture
async def app(new_app: AppFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """One that delivers when a test says so."""
    monkeypatch.setattr("auth_service.app.background_work", lambda _: [_nothing()])
    async with new_app() as started:
        yield started


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def hanging() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        found.manner = "stall"
        yield found


async def add(app: FastAPI, receiver: Receiver) -> None:
    async with app.state.database.transaction() as db:
        await app.state.webhooks.create(db, receiver.url, ["user.created"])


async def endpoint(app: FastAPI) -> StoredEndpoint:
    async with app.state.database.transaction() as db:
        found: StoredEndpoint
        [found] = await app.state.webhooks.list_page(db, after=None, limit=10)
        return found


async def register(client: httpx.AsyncClient, count: int, name: str = "a") -> None:
    for number in range(count):
        await Person(client, email=f"{name}{number}@example.com").register()


async def test_a_hanging_endpoint_holds_up_no_other(
    app: FastAPI,
    client: httpx.AsyncClient,
    receiver: Receiver,
    hanging: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT_SECONDS", 60.0)
    await add(app, hanging)
    await register(client, EVENTS)
    await add(app, receiver)
    await register(client, 3, name="b")
    sender = app.state.webhook_sender
    async with asyncio.timeout(20):
        while len(receiver.deliveries) < 3:
            await sender.send_due()
            await asyncio.sleep(0.01)
    assert len(hanging.deliveries) == 2
    for task in sender._sending:
        task.cancel()


async def test_while_an_endpoint_fails_everything_for_it_waits_together(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, clock: MovingClock
) -> None:
    receiver.status = "500 Oops"
    await add(app, receiver)
    await register(client, EVENTS)
    await deliver(app)
    tried = len(receiver.deliveries)
    assert tried <= 2
    await register(client, 2, name="b")
    await deliver(app)
    assert len(receiver.deliveries) == tried
    clock.advance(seconds=13)
    await deliver(app)
    assert tried < len(receiver.deliveries) <= tried + 2


async def test_once_it_works_again_everything_is_sent(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, clock: MovingClock
) -> None:
    receiver.status = "500 Oops"
    await add(app, receiver)
    await register(client, EVENTS)
    for _ in range(6):
        await deliver(app)
        clock.advance(minutes=10)
    receiver.status = "204 No Content"
    receiver.deliveries.clear()
    await deliver(app)
    await deliver(app)
    assert len({one.headers["webhook-id"] for one in receiver.deliveries}) == EVENTS
    assert {row.sent_at is None for row in await rows(app)} == {False}
    assert (await endpoint(app)).failing_since is None


async def fail_for_days(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, hours: int
) -> None:
    for hour in range(hours):
        if hour % 12 == 0:
            await register(client, 1, name=f"{clock.now():%d-%H-}")
        await deliver(app)
        clock.advance(hours=1)


async def test_after_three_days_it_is_disabled_written_down_and_told(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, clock: MovingClock
) -> None:
    await Person(client, email="root@example.com").register()
    await change_users(app, roles=["admin"])
    receiver.status = "500 Oops"
    await add(app, receiver)
    await fail_for_days(app, client, clock, 70)
    assert (await endpoint(app)).disabled_at is None
    await fail_for_days(app, client, clock, 6)
    assert (await endpoint(app)).disabled_at is not None
    assert (await actions(app)).count("webhook.disabled failed") == 1
    told = [mail for mail in await mails(app) if mail.kind == "webhook_disabled"]
    assert [mail.to for mail in told] == ["root@example.com"]
    assert told[0].values["host"] == "127.0.0.1"


async def test_one_failure_after_days_without_events_disables_nothing(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver, clock: MovingClock
) -> None:
    receiver.status = "500 Oops"
    await add(app, receiver)
    await register(client, 1)
    await deliver(app)
    clock.advance(days=10)
    await register(client, 1, name="b")
    await deliver(app)
    assert (await endpoint(app)).disabled_at is None


async def test_one_that_is_gone_is_written_down_and_told_once(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await Person(client, email="root@example.com").register()
    await change_users(app, roles=["admin"])
    receiver.status = "410 Gone"
    await add(app, receiver)
    await register(client, 5)
    await deliver(app)
    assert (await actions(app)).count("webhook.disabled failed") == 1
    assert [mail.kind for mail in await mails(app)].count("webhook_disabled") == 1


async def test_a_try_under_way_when_another_failed_counts_once(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.status = "500 Oops"
    await add(app, receiver)
    await register(client, 2)
    await deliver(app)
    assert (await endpoint(app)).failures == 1


async def test_the_failure_of_an_endpoint_that_is_gone_changes_nothing(
    new_app: AppFactory, receiver: Receiver, clock: MovingClock
) -> None:
    async with new_app() as app, client_of(app):
        await add(app, receiver)
        found = await endpoint(app)
        async with app.state.database.transaction() as db:
            await app.state.webhooks.remove(db, found.id)
        await app.state.webhooks.note_failure(found.id, began_at=clock.now())
        await app.state.webhooks.disable(found, because="gone")
        assert "webhook.disabled failed" not in await actions(app)
