"""The end of an account, whoever asks for it: its owner, or an administrator."""

from typing import Final
from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.db.session import Transaction
from auth_service.flows.account.errors import LastAdmin
from auth_service.methods.mailbox.service import Mailbox
from auth_service.users import change_repository
from auth_service.users.account import Account, ProvenPassword

ADMIN: Final = "admin"


class AccountRemoval:
    """Removes accounts: sessions, tokens, mail and personal data with them."""

    def __init__(self, *, mailbox: Mailbox, audit: Audit, clock: Clock) -> None:
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock

    async def ensure_another_admin(self, db: Transaction, account: Account) -> None:
        """Do nothing where somebody else can administer the service; they can until the commit.

        ``account`` is locked. The look at the others comes after a lock that everybody takes who
        makes administrators fewer: of two who do, the second sees what the first has done.

        Raises:
            LastAdmin: nobody could.
        """
        now = self._clock.now()
        if ADMIN not in account.roles or not account.is_enabled(now):
            return
        await change_repository.lock_last_ones(db)
        if not await change_repository.exists_enabled_other(db, ADMIN, than=account.id, now=now):
            raise LastAdmin

    async def remove(
        self,
        db: Transaction,
        account: Account,
        *,
        proof: ProvenPassword | None,
        actor: UUID | None,
        client: ClientInfo | None = None,
    ) -> bool:
        """Delete an account; False where the password that was proven is not its any more.

        Effect: the address is free again, and gets the news. Of what happened stays that it did, to
        an id that never comes back. ``client`` is the owner's, where it was the owner.
        """
        if not await change_repository.delete(db, account.id, proof=proof):
            return False
        await self._audit.erase_personal_data(db, account.id)
        await self._audit.record(
            db, Action.USER_DELETED, subject=account.id, actor=actor, client=ClientInfo()
        )
        await self._mailbox.say_goodbye(db, account, client or ClientInfo())
        return True
