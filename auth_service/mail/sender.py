"""Sending what is in the outbox: after the commit, by any worker, at least once.

A worker takes a mail on lease, commits, sends it outside of any transaction, and notes what became
of it if the lease is still its own. While a lease lasts nobody else is at that mail; a worker that
dies leaves one that runs out.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from auth_service.core.clock import Clock
from auth_service.db.session import Database, Transaction
from auth_service.mail import repository
from auth_service.mail.outbox import Outbox
from auth_service.mail.rendering import Renderer
from auth_service.mail.repository import StoredMail
from auth_service.mail.transport import Delivery, Transport

log = structlog.get_logger()
LEASE: Final = timedelta(minutes=2)
SEND_SECONDS: Final = 60  # well within the lease
GIVEN_UP_AFTER: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(days=1)
_FIRST_DELAY: Final = timedelta(seconds=5)
_LONGEST_DELAY: Final = timedelta(hours=1)
_CLEANING_BATCH: Final = 500

OnGivenUp = Callable[[Transaction, StoredMail], Awaitable[None]]


class Sender:
    """Sends due mail, one at a time for each worker."""

    def __init__(  # noqa: PLR0913 - it stands between many parts, each named
        self,
        *,
        database: Database,
        outbox: Outbox,
        renderer: Renderer,
        transport: Transport,
        clock: Clock,
        on_given_up: OnGivenUp,
        keeps_payload: bool = False,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._renderer = renderer
        self._transport = transport
        self._clock = clock
        self._on_given_up = on_given_up
        self._keeps_payload = keeps_payload

    async def send_due(self) -> int:
        """Send every mail that is due; how many were tried.

        Raises:
            ServiceUnavailable: the database was lost; what is not sent is still there.
        """
        count = 0
        while await repository.is_any_due(self._database, self._clock.now()):
            mail = await self._lease()
            if mail is None:
                break  # other workers are at all of them
            delivery, outcome = await self._try(mail)
            await self._note(mail, delivery, outcome)
            count += 1
        return count

    async def remove_old(self) -> None:
        """Delete mails that were closed a day ago, in small batches."""
        removed = _CLEANING_BATCH
        while removed == _CLEANING_BATCH:
            async with self._database.transaction() as db:
                removed = await repository.remove_closed(
                    db, before=self._clock.now() - KEPT_FOR, limit=_CLEANING_BATCH
                )

    async def _lease(self) -> StoredMail | None:
        now = self._clock.now()
        async with self._database.transaction() as db:
            return await repository.lease_due(db, now=now, until=now + LEASE)

    async def _try(self, mail: StoredMail) -> tuple[Delivery, str]:
        """Send a mail; what cannot even be rendered never will be."""
        try:
            letter = self._outbox.open(mail)
            message = self._renderer.render(
                mail.id, mail.kind, letter.to, letter.values, at=mail.created_at
            )
        except Exception:
            log.exception("mail_cannot_be_rendered", mail=str(mail.id), kind=mail.kind)
            return Delivery.NEVER, "not_rendered"
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self._transport.send(message, letter.to)
        except TimeoutError:
            return Delivery.LATER, "timeout"

    async def _note(self, mail: StoredMail, delivery: Delivery, outcome: str) -> None:
        now = self._clock.now()
        if delivery is Delivery.LATER and now - mail.created_at < GIVEN_UP_AFTER:
            log.warning("mail_postponed", mail=str(mail.id), kind=mail.kind, outcome=outcome)
            async with self._database.transaction() as db:
                await repository.postpone(
                    db, mail, until=now + _delay(mail.attempts), outcome=outcome
                )
            return
        async with self._database.transaction() as db:
            await repository.close(
                db, mail, outcome=outcome, now=now, keep_payload=self._keeps_payload
            )
            if delivery is not Delivery.SENT:
                await self._on_given_up(db, mail)
        level = log.info if delivery is Delivery.SENT else log.error
        event = "mail_sent" if delivery is Delivery.SENT else "mail_given_up"
        level(event, mail=str(mail.id), kind=mail.kind, outcome=outcome)


def _delay(attempts: int) -> timedelta:
    """Longer after each try, up to an hour, and never the same for all that failed together."""
    doubled: timedelta = _FIRST_DELAY * 2 ** min(attempts - 1, 16)
    spread = 0.8 + 0.4 * random.random()  # noqa: S311 - spreads load, hides nothing
    return min(doubled, _LONGEST_DELAY) * spread
