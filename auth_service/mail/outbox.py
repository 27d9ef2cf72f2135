"""Where mails are put: in the transaction that they tell of."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.session import Transaction, after_commit
from auth_service.mail import repository
from auth_service.mail.message import Mail
from auth_service.mail.models import OutboxMail
from auth_service.mail.payload import Payload


class Outbox:
    """Takes mails in; a ``Sender``, of this process or of another, sends them.

    ``filled`` is set when a mail has been committed here, so that the sender of this process need
    not wait for its next look.
    """

    def __init__(self, *, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self.filled = asyncio.Event()

    async def put(self, db: Transaction, mail: Mail) -> None:
        """Have a mail sent once the transaction is committed; not at all if it is not.

        Effect: one row, whose recipient and values are encrypted.
        """
        await self.put_row(db, mail.kind, to=mail.to, values=mail.values, user_id=mail.user_id)

    async def put_row(  # noqa: PLR0913 - what a row is made of, each named
        self,
        db: Transaction,
        kind: str,
        *,
        to: str,
        values: Mapping[str, str],
        user_id: UUID | None = None,
        destination: UUID | None = None,
        not_before: datetime | None = None,
    ) -> None:
        """The same for anything that a sender carries, by the kinds it knows.

        Of what has one ``destination`` few are tried at a time.
        """
        mail_id = new_id()
        now = self._clock.now()
        row = OutboxMail(
            id=mail_id,
            kind=kind,
            payload=Payload(to, values).sealed(self._keyring, mail_id),
            user_id=user_id,
            destination=destination,
            created_at=now,
            next_attempt_at=now if not_before is None else max(now, not_before),
            attempts=0,
        )
        await repository.add(db, row)
        after_commit(db, self.filled.set)

    async def postpone(self, db: Transaction, destination: UUID, *, until: datetime) -> None:
        """Have whatever waits for a destination wait until a time."""
        await repository.postpone(db, destination, now=self._clock.now(), until=until)

    async def hasten(self, db: Transaction, destination: UUID) -> None:
        """Have whatever waits for a destination be tried now."""
        await repository.hasten(db, destination, now=self._clock.now())
        after_commit(db, self.filled.set)

    async def forget_user(self, db: Transaction, user_id: UUID) -> None:
        """Delete the mails about an account that were not sent.

        A mail that is to be sent all the same is put afterwards.
        """
        await repository.delete_unsent(db, user_id)
