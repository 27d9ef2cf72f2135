"""Any number of workers share one outbox: each mail arrives, and arrives once."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from auth_service.core.clock import SystemClock
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import LEASE
from tests.conftest import SECRET, settings_for
from tests.mail.senders import sender_to, settled
from tests.mail.smtp_server import Mailbox, mail_server
from tests.mail.stored_mail import mail_to, put, rows
from tests.moving_clock import MovingClock

MAILS = 50
ADDRESSES = [f"user{n}@example.com" for n in range(MAILS)]
REPOSITORY = Path(__file__).parents[2]


@asynccontextmanager
async def stored_mails(database_url: str) -> AsyncIterator[Database]:
    """A database in which mails wait."""
    database = Database.from_settings(settings_for(database_url, database_lock_timeout="30"))
    outbox = Outbox(keyring=Keyring.of([SECRET]), clock=SystemClock())
    await put(database, outbox, *map(mail_to, ADDRESSES))
    yield database
    await database.close()


@asynccontextmanager
async def sending_process(
    database_url: str, mail_url: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has loaded everything and waits for the word."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(REPOSITORY / "tests" / "mail" / "sending_process.py"),
        database_url,
        mail_url,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert await process.stdout.readline() == b"ready\n"
    process.stdin.write(b"begin\n")
    yield process
    process.stdin.close()
    async with asyncio.timeout(30):
        await process.stdout.read()
        await process.wait()


def arrivals(mailbox: Mailbox) -> Counter[str]:
    return Counter(mail.recipients[0] for mail in mailbox.received)


async def test_two_senders_send_each_mail_once(database_url: str, clock: MovingClock) -> None:
    async with mail_server() as mailbox, stored_mails(database_url) as database:
        clock.advance(seconds=1)
        outboxes = [Outbox(keyring=Keyring.of([SECRET]), clock=clock) for _ in range(2)]
        senders = [sender_to(mailbox.url, database, outbox, clock) for outbox in outboxes]
        await asyncio.gather(*map(settled, senders))
        assert arrivals(mailbox) == Counter(ADDRESSES)
        assert all(row["sent_at"] is not None for row in await rows(database))


async def test_two_processes_send_each_mail_once(database_url: str) -> None:
    async with mail_server() as mailbox, stored_mails(database_url) as database:
        async with (
            sending_process(database_url, mailbox.url),
            sending_process(database_url, mailbox.url),
        ):
            await mailbox.until(MAILS, seconds=60)
        assert arrivals(mailbox) == Counter(ADDRESSES)
        assert all(row["sent_at"] is not None for row in await rows(database))


async def test_a_killed_process_s_mails_are_sent_by_another_once_the_lease_has_run_out(
    database_url: str, clock: MovingClock
) -> None:
    async with mail_server() as mailbox, stored_mails(database_url) as database:
        mailbox.stall = asyncio.Event()
        async with sending_process(database_url, mailbox.url) as process:
            async with asyncio.timeout(30):
                while mailbox.tries < 2:  # noqa: ASYNC110 - the server tells of no event
                    await asyncio.sleep(0.01)
            process.kill()
            await process.wait()
        mailbox.stall.set()
        leased = [row for row in await rows(database) if row["leased_until"] is not None]
        assert 2 <= len(leased) <= 4

        sender = sender_to(
            mailbox.url, database, Outbox(keyring=Keyring.of([SECRET]), clock=clock), clock
        )
        clock.advance(seconds=60)
        await settled(sender)
        assert len(mailbox.received) == MAILS - len(leased)
        clock.advance(seconds=(LEASE + timedelta(minutes=1)).total_seconds())
        await settled(sender)
        assert arrivals(mailbox) == Counter(ADDRESSES)


async def test_a_worker_that_only_looks_takes_no_lock(sqlite_url: str, clock: MovingClock) -> None:
    database = Database.from_settings(settings_for(sqlite_url, database_lock_timeout="0.1"))
    outbox = Outbox(keyring=Keyring.of([SECRET]), clock=clock)
    sender = sender_to("smtp://127.0.0.1:1", database, outbox, clock)
    async with database.transaction() as db:
        await db.execute(text("SELECT 1"))  # holds SQLite's write lock from here on
        await sender.send_due()
    await database.close()
