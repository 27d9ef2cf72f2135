"""What is in the outbox is sent, tried again, or given up, and its secrets do not stay."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import LEASE, Sender
from auth_service.mail.smtp import SmtpPatience, SmtpTransport
from auth_service.mail_settings import SmtpServer
from auth_service.web.metrics import Metrics
from tests.mail.senders import sender_to, settled
from tests.mail.smtp_server import Mailbox, mail_server
from tests.mail.stored_mail import mail_to, put, rows
from tests.moving_clock import MovingClock


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    structlog.reset_defaults()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as found:
        yield found


@pytest.fixture
def sender(mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock) -> Sender:
    return sender_to(mailbox.url, database, outbox, clock)


async def only_row(database: Database) -> dict[str, Any]:
    [row] = await rows(database)
    return row


# --- Sent ---


async def test_a_mail_is_sent_and_its_payload_erased(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to())
    await settled(sender)
    mail = await mailbox.next_to("ada@example.com")
    assert mail.token == "t-0123456789"
    row = await only_row(database)
    assert row["sent_at"] is not None
    assert row["payload"] is row["leased_until"] is row["last_error"] is None
    assert row["attempts"] == 1


async def test_a_sent_mail_is_not_sent_again(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    await put(database, outbox, mail_to())
    await settled(sender)
    clock.advance(hours=2)
    await settled(sender)
    assert mailbox.tries == 1


async def test_a_mail_bears_the_id_of_its_row(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to())
    await settled(sender)
    row = await only_row(database)
    [mail] = mailbox.received
    stored = str(row["id"]).replace("-", "")
    assert str(mail.message["Message-ID"]).replace("-", "") == f"<{stored}@auth.example.com>"


async def test_more_than_go_at_once_are_all_sent(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, *(mail_to(f"user{n}@example.com") for n in range(11)))
    await settled(sender)
    assert sorted(mail.recipients[0] for mail in mailbox.received) == sorted(
        f"user{n}@example.com" for n in range(11)
    )


async def test_only_a_few_are_sent_at_once(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    mailbox.stall = asyncio.Event()
    await put(database, outbox, *(mail_to(f"user{n}@example.com") for n in range(11)))
    await sender.send_due()
    await sender.send_due()
    assert len(sender._sending) == 4
    mailbox.stall.set()
    await settled(sender)
    assert len(mailbox.received) == 11


async def test_what_ends_wakes_the_sender_for_what_remains(
    sender: Sender, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to())
    outbox.filled.clear()
    await settled(sender)
    assert outbox.filled.is_set()


async def test_no_connection_is_held_while_a_server_stalls(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    mailbox.stall = asyncio.Event()
    await put(database, outbox, *(mail_to(f"user{n}@example.com") for n in range(4)))
    await sender.send_due()
    async with asyncio.timeout(10):
        while mailbox.tries < 4:  # noqa: ASYNC110 - the server tells of no event
            await asyncio.sleep(0.01)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a QueuePool's
    mailbox.stall.set()
    await settled(sender)


# --- Tried again ---


async def test_what_is_refused_for_now_is_tried_again_later_and_later(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    mailbox.data_answers = ["451 later"] * 3
    await put(database, outbox, mail_to())
    for attempt, seconds in enumerate((15, 30, 60), start=1):
        await settled(sender)
        row = await only_row(database)
        assert (row["attempts"], row["last_error"]) == (attempt, "message_delayed")
        assert row["payload"] is not None
        assert row["leased_until"] is row["sent_at"] is None
        await settled(sender)
        assert mailbox.tries == attempt
        clock.advance(seconds=seconds)
    await settled(sender)
    assert len(mailbox.received) == 1
    assert (await only_row(database))["last_error"] is None


@pytest.mark.parametrize("trouble", ["stalls", "dies"])
async def test_a_mail_survives_a_server_that(
    trouble: str, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    impatient = SmtpTransport(
        SmtpServer.of(mailbox.url), own_name="a.example", patience=SmtpPatience(answer=0.3)
    )
    sender = sender_to(mailbox.url, database, outbox, clock, transport=impatient)
    stall = mailbox.stall = asyncio.Event() if trouble == "stalls" else None
    mailbox.die_after_data = 1
    await put(database, outbox, mail_to())
    await settled(sender)
    assert (await only_row(database))["last_error"] == (
        "timeout" if trouble == "stalls" else "connection_lost"
    )
    if stall is not None:
        stall.set()
    mailbox.die_after_data = 0
    clock.advance(seconds=15)
    await settled(sender)
    assert len(mailbox.received) == 1


async def test_a_mail_whose_secret_is_missing_waits_for_it(
    mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock, sender: Sender
) -> None:
    stranger = sender_to(mailbox.url, database, outbox, clock, keyring=Keyring.of(["other"]))
    await put(database, outbox, mail_to())
    await settled(stranger)
    assert (await only_row(database))["last_error"] == "undecryptable"
    clock.advance(seconds=15)
    await settled(sender)
    assert len(mailbox.received) == 1


async def test_a_kind_that_only_a_newer_version_knows_waits_for_it(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to())
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET kind = 'greeting'"))
    await settled(sender)
    assert (await only_row(database))["last_error"] == "kind_unknown"
    assert mailbox.received == []


async def test_a_value_that_is_missing_is_said_in_the_log_and_tried_again(
    sender: Sender, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to(values={"valid_for": "24 hours"}))
    with capture_logs() as logs:
        await settled(sender)
    assert (await only_row(database))["last_error"] == "template_broken"
    assert "verify_email.txt: 'link' is undefined" in [entry.get("fault") for entry in logs]


async def test_a_fault_that_nobody_thought_of_stops_no_other_mail(
    database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    class Broken:
        async def send(self, _: object) -> None:
            raise ZeroDivisionError

    sender = sender_to("smtp://127.0.0.1:1", database, outbox, clock, transport=Broken())
    await put(database, outbox, mail_to(), mail_to())
    await settled(sender)
    assert [row["last_error"] for row in await rows(database)] == ["unexpected"] * 2


# --- Given up ---


async def test_a_mail_that_is_refused_for_good_is_given_up_at_once(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    mailbox.recipient_answers["ada@example.com"] = "550 no such user"
    await put(database, outbox, mail_to())
    with capture_logs() as logs:
        await settled(sender)
    row = await only_row(database)
    assert row["given_up_at"] is not None
    assert (row["payload"], row["sent_at"]) == (None, None)
    assert row["last_error"] == "recipient_refused"
    [entry] = [entry for entry in logs if entry["event"] == "mail_given_up"]
    assert entry["log_level"] == "warning"
    assert "ada@example.com" not in repr(logs)
    clock.advance(hours=2)
    await settled(sender)
    assert mailbox.tries == 1


async def test_a_mail_is_given_up_after_a_day(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    mailbox.recipient_answers["ada@example.com"] = "451 later"
    await put(database, outbox, mail_to())
    for _ in range(24):
        await settled(sender)
        assert (await only_row(database))["given_up_at"] is None
        clock.advance(hours=1)
    await settled(sender)
    row = await only_row(database)
    assert row["given_up_at"] is not None
    assert (row["payload"], row["last_error"]) == (None, "recipient_delayed")


async def test_whoever_is_to_know_is_told_in_the_same_transaction(
    mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    told: list[tuple[UUID | None, str]] = []

    async def tell(db: Transaction, user_id: UUID | None, kind: str) -> None:
        count = text("SELECT count(*) FROM outbox WHERE given_up_at IS NOT NULL")
        assert await db.scalar(count) == 1
        told.append((user_id, kind))
        if len(told) == 1:
            raise RuntimeError

    sender = sender_to(mailbox.url, database, outbox, clock, on_given_up=tell)
    mailbox.recipient_answers["ada@example.com"] = "550 no such user"
    user_id = uuid4()
    await put(database, outbox, mail_to(user_id=user_id))
    await settled(sender)
    assert (await only_row(database))["given_up_at"] is None
    clock.advance(seconds=LEASE.total_seconds())
    await settled(sender)
    assert (await only_row(database))["given_up_at"] is not None
    assert told == [(user_id, "verify_email")] * 2


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com, eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com>\r\nRCPT TO:<eve@example.com",
        "Ada <ada@example.com>",
        '"ada,eve"@example.com',
        "ada@example.com;eve@example.com",
        "ada eve@example.com",
        "ada",
        "",
    ],
)
async def test_what_is_not_exactly_one_address_is_written_to_by_nobody(
    address: str, sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to(address))
    await settled(sender)
    row = await only_row(database)
    assert row["given_up_at"] is not None
    assert row["last_error"] == "recipient_invalid"
    assert (mailbox.tries, mailbox.received) == (0, [])


# --- Leases ---


async def test_what_another_worker_has_leased_is_left_to_it(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    await put(database, outbox, mail_to())
    assert await sender._lease() is not None
    clock.advance(seconds=LEASE.total_seconds() - 1)
    await settled(sender)
    assert mailbox.received == []


async def test_a_lease_that_ran_out_is_another_s_and_the_first_may_not_mark_it(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    await put(database, outbox, mail_to())
    late = await sender._lease()
    assert late is not None
    clock.advance(seconds=LEASE.total_seconds())
    again = await sender._lease()
    assert again is not None
    with capture_logs() as logs:
        await sender._send(late)
        await sender._delay(late, "timeout")
        await sender._give_up(late, "timeout")
    assert [e["outcome"] for e in logs if e["event"] == "mail_lease_lost"] == [
        "sent",
        "retried",
        "given_up",
    ]
    row = await only_row(database)
    assert row["sent_at"] is row["given_up_at"] is row["last_error"] is None
    await sender._send(again)
    assert (await only_row(database))["sent_at"] is not None


async def test_a_mail_whose_account_went_while_it_was_sent_stays_gone(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    user_id = uuid4()
    mailbox.stall = asyncio.Event()
    await put(database, outbox, mail_to(user_id=user_id))
    await sender.send_due()
    async with database.transaction() as db:
        await outbox.forget_user(db, user_id)
    mailbox.stall.set()
    await settled(sender)
    assert await rows(database) == []


# --- The end ---


async def test_the_end_waits_for_what_is_being_sent(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox
) -> None:
    stall = mailbox.stall = asyncio.Event()
    await put(database, outbox, mail_to())
    await sender.send_due()
    asyncio.get_running_loop().call_later(0.2, stall.set)
    await sender.aclose()
    assert len(mailbox.received) == 1
    assert (await only_row(database))["sent_at"] is not None


async def test_the_end_breaks_off_what_takes_too_long_and_loses_nothing(
    sender: Sender,
    mailbox: Mailbox,
    database: Database,
    outbox: Outbox,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("auth_service.mail.sender._FAREWELL_SECONDS", 0.1)
    mailbox.stall = asyncio.Event()
    await put(database, outbox, mail_to())
    await sender.send_due()
    await sender.aclose()
    assert (await only_row(database))["sent_at"] is None
    mailbox.stall.set()
    clock.advance(seconds=LEASE.total_seconds())
    await settled(sender)
    assert len(mailbox.received) == 1


async def test_a_mail_that_cannot_be_marked_is_only_logged(
    sender: Sender, database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, outbox, mail_to())
    mail = await sender._lease()
    assert mail is not None

    async def lost(_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(sender, "_mark_sent", lost)
    with capture_logs() as logs:
        task = asyncio.create_task(sender._send(mail))
        task.add_done_callback(sender._ended)
        await asyncio.wait([task])
    assert {"event": "mail_not_marked", "fault": "ConnectionError", "log_level": "warning"} in logs


# --- What is cleared away ---


async def test_what_was_sent_more_than_a_day_ago_is_deleted(
    sender: Sender, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    await put(database, outbox, mail_to())
    await settled(sender)
    clock.advance(hours=23)
    await sender.clear_away()
    assert len(await rows(database)) == 1
    clock.advance(hours=2)
    await put(database, outbox, mail_to())
    await sender.clear_away()
    assert (await only_row(database))["sent_at"] is None


async def test_what_was_given_up_is_kept_for_a_month(
    sender: Sender, mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    mailbox.recipient_answers["ada@example.com"] = "550 no such user"
    await put(database, outbox, mail_to())
    await settled(sender)
    clock.advance(days=29)
    await sender.clear_away()
    assert len(await rows(database)) == 1
    clock.advance(days=2)
    await sender.clear_away()
    assert await rows(database) == []


async def test_more_than_one_batch_is_deleted(
    sender: Sender,
    database: Database,
    outbox: Outbox,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("auth_service.mail.sender._BATCH", 2)
    await put(database, outbox, *(mail_to() for _ in range(5)))
    await settled(sender)
    clock.advance(days=2)
    await sender.clear_away()
    assert await rows(database) == []


# --- What is counted ---


async def test_how_tries_end_is_counted(
    mailbox: Mailbox, database: Database, outbox: Outbox, clock: MovingClock
) -> None:
    metrics = Metrics()
    sender = sender_to(mailbox.url, database, outbox, clock, metrics=metrics)
    mailbox.recipient_answers |= {"bob@example.com": "550 no", "eve@example.com": "451 later"}
    await put(database, outbox, *map(mail_to, ("ada@example.com", *mailbox.recipient_answers)))
    await settled(sender)
    lines = metrics.exposition().decode().splitlines()
    for outcome in ("sent", "retried", "given_up"):
        assert f'auth_mails_total{{outcome="{outcome}"}} 1.0' in lines


def test_a_lease_is_longer_than_the_tries_it_covers() -> None:
    assert timedelta(seconds=SmtpPatience().whole + 60) < LEASE
