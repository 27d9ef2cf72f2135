"""The outbox: a mail is written down with what it tells of, or not at all."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.session import Transaction, after_commit
from auth_service.mail import repository
from auth_service.mail.message import Mail
from auth_service.mail.repository import StoredMail

_PURPOSE: Final = "mail"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to whom: the payload, opened."""

    to: str
    values: Mapping[str, str]


class Outbox:
    """Where flows put mail; ``put`` wakes this worker's sender once the mail is committed."""

    def __init__(self, *, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self.woken = asyncio.Event()

    async def put(self, db: Transaction, mail: Mail) -> None:
        """Have a mail sent, if and only if this transaction commits."""
        mail_id, now = new_id(), self._clock.now()
        payload = json.dumps([mail.to, dict(mail.values)]).encode("utf-8")
        stored = StoredMail(
            id=mail_id,
            kind=mail.kind.value,
            payload=self._keyring.encrypt(_PURPOSE, payload, bound_to=mail_id.bytes),
            user_id=mail.user_id,
            created_at=now,
            next_attempt_at=now,
        )
        await repository.add(db, stored)
        after_commit(db, self.woken.set)

    async def forget_user(self, db: Transaction, user_id: UUID) -> None:
        """Delete what the outbox holds about a user, sent or not."""
        await repository.remove_unsent_of(db, user_id)

    def open(self, stored: StoredMail) -> Letter:
        """What a mail says, and to whom.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens it, or it was erased.
        """
        payload = self._keyring.decrypt(_PURPOSE, stored.payload or b"", bound_to=stored.id.bytes)
        to, values = json.loads(payload)
        return Letter(to, values)
