"""Writing down what happened, and telling the owner of an account."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from auth_service.audit import repository
from auth_service.audit.actions import Action, Outcome
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.repository import EventSearch, StoredEvent
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.ids import new_id
from auth_service.db.session import Database, Transaction

Listener = Callable[[Transaction, StoredEvent], Awaitable[None]]
_USER_AGENT_LENGTH = 512
_SALT_BYTES = 16
_PAGE = 1000


class Audit:
    """The record of events. An event is committed with what it records, or not at all."""

    def __init__(self, *, database: Database, keys: ChainKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._listeners: list[Listener] = []

    def tell(self, listener: Listener) -> None:
        """Have a listener told of every event, in the transaction that it is written in."""
        self._listeners.append(listener)

    async def record(  # noqa: PLR0913 - an event has this many sides, each named
        self,
        db: Transaction,
        action: Action,
        *,
        subject: UUID | None,
        client: ClientInfo,
        actor: UUID | None = None,
        session_id: UUID | None = None,
        client_id: UUID | None = None,
        outcome: Outcome = Outcome.SUCCESS,
        **details: Any,  # noqa: ANN401 - anything JSON has
    ) -> None:
        """Write down an event about ``subject``; nothing secret belongs into ``details``.

        ``actor`` is who did it, where that is known; ``client_id`` the service client that
        did, or that it was done to.
        """
        event = StoredEvent(
            id=new_id(),
            happened_at=self._clock.now(),
            action=action.value,
            outcome=outcome.value,
            actor_id=actor,
            subject_id=subject,
            session_id=session_id,
            ip=client.ip,
            user_agent=client.user_agent and client.user_agent[:_USER_AGENT_LENGTH],
            request_id=client.request_id,
            details=details,
            client_id=client_id,
            salt=secrets.token_bytes(_SALT_BYTES),
        )
        await repository.add(db, event)
        for listener in self._listeners:
            await listener(db, event)

    async def list_page(
        self, db: Transaction, subject: UUID, *, before: UUID | None, limit: int
    ) -> list[StoredEvent]:
        """What happened to somebody, the newest first."""
        search = EventSearch(subject=subject)
        return await repository.list_page(db, search, before=before, limit=limit)

    async def search(
        self, db: Transaction, search: EventSearch, *, before: UUID | None, limit: int
    ) -> list[StoredEvent]:
        """What happened, as far as it is looked for, the newest first."""
        return await repository.list_page(db, search, before=before, limit=limit)

    async def list_committed(
        self, subject: UUID, *, before: UUID | None, limit: int
    ) -> list[StoredEvent]:
        """The same as ``list_page``, on a connection that goes back to the pool at once."""
        search = EventSearch(subject=subject)
        return await repository.list_backward(self._database, search, before=before, limit=limit)

    async def read_all(
        self, *, after: datetime | None, before: datetime | None
    ) -> AsyncIterator[StoredEvent]:
        """Every event between two times, the oldest first, read in pages without a transaction."""
        search = EventSearch(after=after, before=before)
        last = None
        while page := await repository.list_forward(
            self._database, search, after=last, limit=_PAGE
        ):
            for event in page:
                yield event
            last = page[-1].id

    async def record_deletion(self, db: Transaction, subject: UUID, *, actor: UUID | None) -> None:
        """Write down that an account was deleted, and erase what is personal in its events.

        Effect: of the events is left that they happened, to whom by id, and when. The deletion is
        signed, so that ``verify`` can tell it from one that somebody wrote into the database to
        explain an erasure.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the key of the chain.
        """
        await repository.erase_personal_data(db, subject)
        key = await self._keys.get_in(db)
        await self.record(
            db,
            Action.USER_DELETED,
            subject=subject,
            actor=actor,
            client=ClientInfo(),
            erasure_signature=key.sign_erasure(subject),
        )
