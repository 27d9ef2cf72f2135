"""Sends what is in the outbox, beside the requests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Final
from uuid import UUID

import structlog

from auth_service.core.clock import Clock
from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.db.session import Database, Transaction
from auth_service.mail import repository
from auth_service.mail.composing import Composer
from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail.payload import Payload
from auth_service.mail.repository import Channel, LeasedMail
from auth_service.mail.retries import next_attempt
from auth_service.mail.templates import BrokenTemplateError
from auth_service.mail.transport import Transport
from auth_service.web.metrics import Metrics

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=3)
"""Longer than the transport's limit and the database's together: a lease that runs out in the
middle of a try would let another worker send the same mail."""
_KEEP_PAYLOAD: Final = timedelta(hours=1)
_KEEP_SENT: Final = timedelta(days=1)
_KEEP_GIVEN_UP: Final = timedelta(days=30)
_BATCH: Final = 500
_FAREWELL_SECONDS: Final = 5

OnGivenUp = Callable[[Transaction, UUID | None, str], Awaitable[None]]
"""Told, in the transaction that notes it, which user's mail of which kind was given up."""


@dataclass(kw_only=True)
class Sender:
    """One worker's share of the sending; any number of workers share one outbox.

    A mail is leased in one transaction, sent outside any, and marked in another. So it is sent at
    least once: a worker that dies in between leaves a lease that runs out, and another one sends
    it. While the lease holds, nobody else does. ``keeps_payloads`` is for development: what was
    sent can be read for another hour. ``at_once`` are under way at a time.
    """

    database: Database
    keyring: Keyring
    clock: Clock
    composer: Composer
    transport: Transport
    filled: asyncio.Event
    metrics: Metrics | None = None
    on_given_up: OnGivenUp | None = None
    keeps_payloads: bool = False
    channel: Channel = "mail"
    at_once: int = 4
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def send_due(self) -> None:
        """Begin to send what is due, a few at once; what remains is begun as these end.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        if not await repository.has_due(self.database, self.clock.now(), channel=self.channel):
            return
        while len(self._sending) < self.at_once:
            mail = await self._lease()
            if mail is None:
                break
            task = asyncio.create_task(self._send(mail))
            self._sending.add(task)
            task.add_done_callback(self._ended)

    async def clear_away(self) -> None:
        """Delete mails sent more than a day ago, and given up more than 30 days ago.

        Effect: one small transaction after the other, so that nobody waits long for a lock.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        now = self.clock.now()
        for clear, keep in (
            (repository.erase_sent, _KEEP_PAYLOAD),
            (repository.delete_sent, _KEEP_SENT),
            (repository.delete_given_up, _KEEP_GIVEN_UP),
        ):
            cleared = _BATCH
            while cleared == _BATCH:
                async with self.database.transaction() as db:
                    cleared = await clear(db, before=now - keep, limit=_BATCH)

    async def aclose(self) -> None:
        """Let what is being sent come to its end, for five seconds, then break it off.

        What was broken off is sent again when its lease has run out.
        """
        if self._sending:
            await asyncio.wait(self._sending, timeout=_FAREWELL_SECONDS)
        if self._sending:
            for task in self._sending:
                task.cancel()
            await asyncio.wait(self._sending, timeout=_FAREWELL_SECONDS)

    async def _lease(self) -> LeasedMail | None:
        now = self.clock.now()
        async with self.database.transaction() as db:
            return await repository.lease_due(db, channel=self.channel, now=now, until=now + LEASE)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self.filled.set()  # there may be more
        if not task.cancelled() and (fault := task.exception()) is not None:
            # Its row could not be marked: the lease runs out, and it is sent again.
            log.warning("mail_not_marked", fault=type(fault).__name__)

    async def _send(self, mail: LeasedMail) -> None:
        try:
            await self._carry(mail)
        except MailRefused as fault:
            await self._give_up(mail, fault.code)
        except MailDelayed as fault:
            await self._delay(mail, fault.code)
        except Exception as fault:  # noqa: BLE001 - one mail must not stop the others
            log.warning("mail_fails", kind=mail.kind, fault=type(fault).__name__)
            await self._delay(mail, "unexpected")
        else:
            await self._mark_sent(mail)

    async def _carry(self, mail: LeasedMail) -> None:
        # In a thread: the first mail loads the templates and what reads them.
        message = await asyncio.to_thread(self._message, mail)
        await self.transport.send(message)

    def _message(self, mail: LeasedMail) -> EmailMessage:
        try:
            payload = Payload.opened(mail.payload, self.keyring, mail.id)
            return self.composer.compose(mail.id, mail.kind, payload, written_at=mail.created_at)
        except UndecryptableError as fault:
            raise MailDelayed("undecryptable") from fault
        except BrokenTemplateError as fault:
            log.warning("mail_template_broken", fault=str(fault))
            raise MailDelayed("template_broken") from fault

    async def _mark_sent(self, mail: LeasedMail) -> None:
        payload = mail.payload if self.keeps_payloads else None
        async with self.database.transaction() as db:
            ours = await repository.mark_sent(db, mail, payload=payload, now=self.clock.now())
        self._report("sent", mail, ours=ours, error=None)

    async def _delay(self, mail: LeasedMail, error: str) -> None:
        until = next_attempt(
            written_at=mail.created_at, attempts=mail.attempts, now=self.clock.now()
        )
        if until is None:
            await self._give_up(mail, error)
            return
        async with self.database.transaction() as db:
            ours = await repository.mark_delayed(db, mail, error=error, until=until)
        self._report("retried", mail, ours=ours, error=error)

    async def _give_up(self, mail: LeasedMail, error: str) -> None:
        async with self.database.transaction() as db:
            ours = await repository.mark_given_up(db, mail, error=error, now=self.clock.now())
            if ours and self.on_given_up is not None:
                await self.on_given_up(db, mail.user_id, mail.kind)
        self._report("given_up", mail, ours=ours, error=error)

    def _report(self, outcome: str, mail: LeasedMail, *, ours: bool, error: str | None) -> None:
        if not ours:
            # The row went with its account, or the try took longer than its lease.
            log.warning("mail_lease_lost", mail_id=str(mail.id), outcome=outcome)
            return
        tell = log.warning if outcome == "given_up" else log.info
        reason = {} if error is None else {"error": error}
        tell(
            f"mail_{outcome}",
            mail_id=str(mail.id),
            kind=mail.kind,
            attempts=mail.attempts,
            **reason,
        )
        if self.metrics is not None:
            self.metrics.mails.labels(outcome).inc()
