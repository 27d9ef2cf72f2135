"""A worker is killed at any moment: an account is whole or not there, and promised mail arrives.

Each round starts a server, lets it register and reset at random moments, and kills it. What was
answered has to be there afterwards, and its mail has to be sent by the server that comes next.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from auth_service.db.session import Database
from auth_service.mail.models import OutboxMail
from tests.cli.command_line import CommandLine
from tests.conftest import SECRET, settings_for
from tests.faults.reliability import note
from tests.mail.smtp_server import Mailbox, mail_server
from tests.running_server import RunningServer, serving

ROUNDS = int(os.environ.get("TEST_KILLS", "5"))
"""Servers that are killed; each handles registrations of twenty people in parallel, each of whom
meets the kill at a moment of their own. `make faults` kills a hundred."""
PEOPLE = 20
AT_ONCE = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "analytical engine 1843", "difference engine 1822"


@dataclass
class Promises:
    """What clients were told before the kill."""

    registered: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    reset: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.registered) + len(self.forgotten) + len(self.reset)


async def live(server: RunningServer, mailbox: Mailbox, email: str, told: Promises) -> None:
    """Register, ask for a new password, set it; note each promise when it has been heard."""
    with contextlib.suppress(httpx.TransportError, TimeoutError):
        async with server.client() as http:
            told.tried.add(email)
            body = {"email": email, "password": OLD}
            if (await http.post("/auth/register", json=body)).status_code == 201:
                told.registered.add(email)
            if (await http.post("/auth/password/forgot", json={"email": email})).status_code == 202:
                told.forgotten.add(email)
            while "password" not in (mail := await mailbox.next_to(email)).subject.lower():
                pass
            token = mail.token
            body = {"token": token, "new_password": NEW}
            if (await http.post("/auth/password/reset", json=body)).status_code == 204:
                told.reset.add(email)


async def kill(server: RunningServer, told: Promises, after: int) -> None:
    """Kill a server once it has made so many more promises, or is slow to."""
    enough = told.count + after
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while told.count < enough:  # noqa: ASYNC110 - what comes over the network sets no event
                await asyncio.sleep(0.001)
    server.process.send_signal(signal.SIGKILL)
    await server.process.wait()


async def log_in(http: httpx.AsyncClient, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    return (await http.post("/auth/login", json=body)).status_code


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own look at the servers' database."""
    found = Database.from_settings(settings_for(database_url))
    yield found
    await found.close()


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": database_url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_AUDIT_SEAL_INTERVAL": "0.05",
        "AUTH_RATE_LIMIT_LOGIN": "100000/minute",
        "AUTH_RATE_LIMIT_ANONYMOUS": "100000/minute",
    }


async def test_what_was_promised_before_a_kill_is_kept_after_it(
    environment: dict[str, str], tmp_path: Path, database: Database
) -> None:
    moments = random.Random(1843)  # noqa: S311 - repeatable moments
    async with mail_server() as mailbox:
        environment |= {"AUTH_MAIL_URL": mailbox.url}
        told = Promises()
        for number in range(ROUNDS):
            async with serving(environment, folder=tmp_path) as server:
                names = [f"p{number}.{n}@example.com" for n in range(PEOPLE)]
                lives = [asyncio.create_task(live(server, mailbox, n, told)) for n in names]
                await kill(server, told, after=moments.randint(1, 2 * PEOPLE))
                for task in lives:
                    task.cancel()
                await asyncio.wait(lives)
        assert told.registered
        async with database.transaction() as db:
            # The leases of those that were killed run out.
            await db.execute(update(OutboxMail).values(leased_until=None, next_attempt_at=AT_ONCE))
        async with serving(environment, folder=tmp_path) as server, server.client() as http:
            await _judge(told, http, mailbox)
        # Whoever was killed while sealing sealed a batch, or none of it.
        command = CommandLine(tmp_path, environment, in_process=False)
        await asyncio.to_thread(command.succeed, "audit", "verify")
    note(
        f"the service killed by SIGKILL {ROUNDS} times while people register and reset",
        clients_see="a lost connection; each account is as before the request, or as after it",
        until_normal="the next start",
        lost=f"nothing ({told.count:,} promises, their mails, and the chain of events)",
    )


async def _judge(told: Promises, http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    for email in told.tried:
        statuses = {word: await log_in(http, email, word) for word in (OLD, NEW)}
        # Entirely before or entirely after: one password or none, never both.
        assert list(statuses.values()).count(200) <= 1, email
        if email in told.registered:
            assert 200 in statuses.values(), email
        if email in told.reset:
            assert statuses[NEW] == 200, email
    for email in told.registered:
        await _arrives(mailbox, email, "verify-email")
    for email in told.forgotten & told.registered:
        await _arrives(mailbox, email, "reset-password")


async def _arrives(mailbox: Mailbox, email: str, page: str) -> None:
    async with asyncio.timeout(60):
        while not any(f"/{page}#" in mail.text for mail in mailbox.to(email)):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)
