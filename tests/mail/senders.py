"""Senders as the tests need them, and a wait until they have come to rest."""

import asyncio
from collections.abc import Callable
from typing import Any

from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import Sender
from auth_service.mail.smtp import SmtpPatience, SmtpTransport
from auth_service.mail_settings import SmtpServer
from tests.mail.messages import COMPOSER
from tests.mail.stored_mail import KEYRING
from tests.moving_clock import MovingClock

PATIENCE = SmtpPatience(answer=5, whole=10, farewell=0.3)
NewSender = Callable[..., Sender]


def sender_to(
    url: str, database: Database, outbox: Outbox, clock: MovingClock, **changes: Any
) -> Sender:
    parts: dict[str, Any] = {
        "database": database,
        "keyring": KEYRING,
        "clock": clock,
        "composer": COMPOSER,
        "transport": SmtpTransport(
            SmtpServer.of(url), own_name="auth.example.com", patience=PATIENCE
        ),
        "filled": outbox.filled,
    }
    return Sender(**(parts | changes))


async def settled(sender: Sender) -> None:
    """Send what is due, and what becomes due by that, until nothing is under way."""
    async with asyncio.timeout(60):
        await sender.send_due()
        while sender._sending:
            await asyncio.wait(sender._sending)
            await sender.send_due()
