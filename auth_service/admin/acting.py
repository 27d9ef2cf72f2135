"""On whose behalf an account is looked after: an administrator's, or the command line's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.db.session import Transaction
from auth_service.sessions.repository import StoredSession


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts: ``user_id`` is None for the command line, which no account stands behind."""

    client: ClientInfo
    user_id: UUID | None = None
    session_id: UUID | None = None

    @classmethod
    def of(cls, session: StoredSession, client: ClientInfo) -> "Acting":
        """An administrator who is logged in."""
        return cls(client, session.account.id, session.id)

    async def record(
        self,
        audit: Audit,
        db: Transaction,
        action: Action,
        subject: UUID | None,
        *,
        client_id: UUID | None = None,
        **details: Any,  # noqa: ANN401 - anything JSON has
    ) -> None:
        """Write down what was done, to whom, and by whom."""
        if self.user_id is None:
            details["by"] = "command line"
        await audit.record(
            db,
            action,
            subject=subject,
            actor=self.user_id,
            session_id=self.session_id,
            client=self.client,
            client_id=client_id,
            **details,
        )


COMMAND_LINE = Acting(ClientInfo())
