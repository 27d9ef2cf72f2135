"""Everything that is kept about somebody, for them to take along (GDPR article 20)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final
from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.db.session import Database, Transaction
from auth_service.flows.account.schemas import AccountExport, ExportedSession, SecurityEvent
from auth_service.sessions.repository import StoredSession
from auth_service.sessions.service import Sessions
from auth_service.users import repository
from auth_service.users.schemas import UserAnswer

_PAGE: Final = 200
_PAGES_AT_ONCE: Final = 2
"""How many pages a worker reads at the same time, of all exports together."""


class Exports:
    """Writes it all as JSON, a page of events at a time.

    A history has no bound, so it is never in memory as a whole: each page is read on a connection
    that is given back before the page is sent. What is secret (hashes, salts) is left out.
    """

    def __init__(self, *, database: Database, sessions: Sessions, audit: Audit) -> None:
        self._database = database
        self._sessions = sessions
        self._audit = audit
        self._reading = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def export(
        self, db: Transaction, session: StoredSession, client: ClientInfo
    ) -> AsyncIterator[bytes]:
        """An ``AccountExport`` as JSON, in parts; that it was exported is written down.

        Effect: the parts can be read once the transaction has ended: the events are then read
        outside it, the newest first.

        Raises:
            ServiceUnavailable: while parts are read, the database was lost. The JSON is then cut
                off, and can not be taken for the whole.
        """
        user_id = session.account.id
        # Read before the transaction begins: whoever held one connection, and on SQLite the write
        # lock, while asking for another could wait for itself.
        credentials = await repository.find_credentials_of(self._database, user_id)
        await self._audit.record(
            db,
            Action.USER_EXPORTED,
            subject=user_id,
            actor=user_id,
            session_id=session.id,
            client=client,
        )
        kept = await self._sessions.list_all(db, user_id)
        export = AccountExport(
            user=UserAnswer.of(session.account),
            has_password=credentials is not None and credentials.password_hash is not None,
            known_devices=list(credentials.known_devices) if credentials else [],
            sessions=[ExportedSession.model_validate(asdict(each)) for each in kept],
            security_events=[],
        )
        return self._write(export, user_id)

    async def _write(self, export: AccountExport, user_id: UUID) -> AsyncIterator[bytes]:
        # The events are the last member of the document: they are written into its empty list.
        head = export.model_dump_json().encode()
        end = b"]}"
        yield head.removesuffix(end)
        separator = b""
        before = None
        while page := await self._read_page(user_id, before):
            before, events = page
            yield separator + b",".join(events)
            separator = b","
        yield end

    async def _read_page(
        self, user_id: UUID, before: UUID | None
    ) -> tuple[UUID, list[bytes]] | None:
        """Events before one, each as JSON, and the id of the last; None once there are no more."""
        async with self._reading:
            found = await self._audit.list_committed(user_id, before=before, limit=_PAGE)
            if not found:
                return None
            events = [SecurityEvent.of(event).model_dump_json().encode() for event in found]
            return found[-1].id, events
