"""The end of an account, whoever asks for it: its owner, or an administrator."""

from typing import Final
from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.db.session import Database, Transaction
from auth_service.flows.account.errors import LastAdmin
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.methods.mailbox.service import Mailbox
from auth_service.sessions.service import Sessions
from auth_service.settings import Settings
from auth_service.users import change_repository
from auth_service.users.account import Account, ProvenPassword

ADMIN: Final = "admin"
BATCH: Final = 100


class AccountRemoval:
    """Removes accounts: sessions, tokens, mail and personal data with them."""

    def __init__(  # noqa: PLR0913 - a removal stands on many parts, each named
        self,
        *,
        database: Database,
        sessions: Sessions,
        tokens: MailedTokens,
        mailbox: Mailbox,
        audit: Audit,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._tokens = tokens
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock
        self._unverified_ttl = settings.unverified_ttl

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

    async def remove_own(
        self, db: Transaction, account: Account, *, proof: ProvenPassword, client: ClientInfo
    ) -> bool:
        """Delete the caller's account; False where the proven password is no longer its password.

        Effect: while an undo link for a change of address is live the account is closed instead,
        so that a thief cannot complete a theft by deleting it: its sessions are revoked and it is
        disabled, but the addresses stay reserved and each link reopens it. ``remove_closed``
        deletes it once the last link has expired. ``account`` is locked.
        """
        undo_links = await self._tokens.list_undo_links(db, account.id)
        if not undo_links:
            return await self.remove(db, account, proof=proof, actor=account.id, client=client)
        now = self._clock.now()
        delete_at = max(link.expires_at for link in undo_links)
        if not await change_repository.close(
            db, account.id, proof=proof, now=now, delete_at=delete_at
        ):
            return False
        await self._tokens.void(db, account.id)
        await self._sessions.end_all(db, account.id, because="account_closed")
        await self._audit.record(
            db, Action.USER_CLOSED, subject=account.id, actor=account.id, client=client
        )
        await self._mailbox.announce_closing(db, account, undo_links, client)
        return True

    async def remove_closed(self) -> None:
        """Delete the closed accounts whose last undo link has expired, each in a transaction.

        Raises:
            ServiceUnavailable: the database was lost; accounts that are left go another time.
        """
        removed = True
        while removed:
            async with self._database.transaction() as db:
                account = await change_repository.find_due_for_deletion(db, now=self._clock.now())
                removed = account is not None and await self.remove(
                    db, account, proof=None, actor=account.id, is_announced=True
                )

    async def remove_never_used(self) -> None:
        """Delete accounts that ``AUTH_UNVERIFIED_TTL`` is over for, in batches; 0 keeps them.

        That is those whose address was never verified and that nobody logged in to: somebody's who
        thought better of it, or of an address that was not theirs. Nobody is mailed. Kept are
        disabled ones, administrators, and those that a mailed link is still good for.

        Raises:
            ServiceUnavailable: the database was lost; accounts that are left go another time.
        """
        if not self._unverified_ttl:
            return
        created_before = self._clock.now() - self._unverified_ttl
        after = None
        while True:
            async with self._database.transaction() as db:
                some = await change_repository.list_never_used(
                    db, created_before=created_before, after=after, limit=BATCH
                )
                for account in some:
                    if ADMIN in account.roles or await self._tokens.has_live(
                        db, account.id, *Purpose
                    ):
                        continue
                    await self.remove(db, account, proof=None, actor=None, is_announced=True)
            if len(some) < BATCH:
                return
            after = (some[-1].created_at, some[-1].id)

    async def remove(  # noqa: PLR0913 - what a removal needs, it names
        self,
        db: Transaction,
        account: Account,
        *,
        proof: ProvenPassword | None,
        actor: UUID | None,
        client: ClientInfo | None = None,
        is_announced: bool = False,
    ) -> bool:
        """Delete an account; False where the proven password is no longer its password.

        Effect: the address is free again and is notified, unless it was before
        (``is_announced``). The audit events stay, without personal data, under an id that is never
        used again. ``client`` is the account holder's, where they deleted it themselves.
        """
        if not await change_repository.delete(db, account.id, proof=proof):
            return False
        await self._audit.record_deletion(db, account.id, actor=actor)
        await self._mailbox.say_goodbye(
            db, account, client or ClientInfo(), is_announced=is_announced
        )
        return True
