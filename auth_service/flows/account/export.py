"""Everything that is kept about somebody, for them to take along (GDPR article 20)."""

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


class Exports:
    """Reads it all in pages; what is secret (hashes, salts) is left out, what it is for is said."""

    def __init__(self, *, database: Database, sessions: Sessions, audit: Audit) -> None:
        self._database = database
        self._sessions = sessions
        self._audit = audit

    async def export(
        self, db: Transaction, session: StoredSession, client: ClientInfo
    ) -> AccountExport:
        """All of it as it is now; that it was exported is written down."""
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
        return AccountExport(
            user=UserAnswer.of(session.account),
            has_password=credentials is not None and credentials.password_hash is not None,
            known_devices=list(credentials.known_devices) if credentials else [],
            sessions=[ExportedSession.model_validate(asdict(each)) for each in kept],
            security_events=await self._events(db, user_id),
        )

    async def _events(self, db: Transaction, user_id: UUID) -> list[SecurityEvent]:
        found: list[SecurityEvent] = []
        before = None
        while page := await self._audit.list_page(db, user_id, before=before, limit=_PAGE):
            found += map(SecurityEvent.of, page)
            before = page[-1].id
        return found
