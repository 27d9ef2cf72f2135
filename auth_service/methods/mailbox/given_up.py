"""Mail that never reached its mailbox is written down, since somebody may be waiting for it."""

from uuid import UUID

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.db.session import Transaction


class GivenUpMail:
    """What the sender tells of a mail that it gives up."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def record(self, db: Transaction, user_id: UUID | None, kind: str) -> None:
        """Write it down, in the transaction that gives the mail up."""
        await self._audit.record(
            db,
            Action.WEBHOOK_GIVEN_UP if kind == "webhook" else Action.MAIL_GIVEN_UP,
            subject=user_id,
            client=ClientInfo(),
            outcome=Outcome.FAILURE,
            kind=kind,
        )
