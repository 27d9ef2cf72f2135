"""Accounts, as an administrator changes them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from auth_service.admin.acting import COMMAND_LINE, Acting
from auth_service.admin.errors import PreconditionFailed, UserNotFound
from auth_service.admin.preconditions import Precondition
from auth_service.admin.user_change import Disabling, UserChange, described, standing_of
from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Database, Transaction
from auth_service.flows.account.removal import ADMIN, AccountRemoval
from auth_service.flows.registration.service import Registrations
from auth_service.mail.message import MailKind
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.proof import PasswordProofs
from auth_service.sessions.repository import ListedSession
from auth_service.sessions.service import Sessions
from auth_service.users import change_repository, directory_repository, repository
from auth_service.users.account import Account
from auth_service.users.directory_repository import Entry, Search, Standing

log = structlog.get_logger()
_PAGE: Final = 200


def _anything(_: Account) -> bool:
    return True


class UserAdministration:
    """The use cases of whoever looks after accounts. Nobody here ever sees or sets a password."""

    def __init__(  # noqa: PLR0913 - administration stands on many parts, each named
        self,
        *,
        database: Database,
        sessions: Sessions,
        registrations: Registrations,
        removal: AccountRemoval,
        proofs: PasswordProofs,
        tokens: MailedTokens,
        mailbox: Mailbox,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._registrations = registrations
        self._removal = removal
        self._proofs = proofs
        self._tokens = tokens
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock

    async def get(self, user_id: UUID) -> Entry:
        """An account.

        Raises:
            UserNotFound: there is none.
        """
        return _found(await directory_repository.find(self._database, user_id))

    async def get_by_address(self, email: Email) -> Entry:
        """The account of an address.

        Raises:
            UserNotFound: there is none.
        """
        return _found(await directory_repository.find_by_address(self._database, email.key))

    async def list_page(
        self, db: Transaction, search: Search, *, before: UUID | None, limit: int
    ) -> list[Entry]:
        """Accounts that are looked for, the newest first."""
        now = self._clock.now()
        return await directory_repository.list_page(db, search, now=now, before=before, limit=limit)

    async def create(
        self, db: Transaction, by: Acting, email: Email, *, roles: list[str], verified: bool
    ) -> Account:
        """Make an account for somebody, who sets its password by a mailed link.

        Raises:
            EmailTaken: the address has an account.
        """
        account = await self._registrations.add_without_password(
            db, email, roles=roles, email_verified=verified
        )
        after = {"roles": roles, "email_verified": verified}
        await by.record(self._audit, db, Action.USER_CREATED, account.id, after=after)
        await self._send_link(db, MailKind.ACCOUNT_CREATED, account)
        log.info("user_created", user_id=str(account.id), by=str(by.user_id))
        return account

    async def change(
        self,
        db: Transaction,
        by: Acting,
        user_id: UUID,
        change: UserChange,
        *,
        holds: Precondition = _anything,
    ) -> Account:
        """Change what an administrator may change; the next request of that user notices.

        Effect: whoever is disabled has no session and no mailed token any more.

        Raises:
            UserNotFound: there is no such account.
            PreconditionFailed: it is not as it was when it was looked at.
            LastAdmin: nobody else could administer the service.
            ValidationFailed: a role is none, there are too many, or the end of the disabling is
                past or after 9999.
        """
        now = self._clock.now()
        change = change.checked(now)
        before = _found(await directory_repository.lock(db, user_id)).account
        if not holds(before):
            raise PreconditionFailed
        after = change.applied_to(before, now)
        if after == standing_of(before):
            return before
        if not _is_admin(after, now):
            await self._removal.ensure_another_admin(db, before)
        account = await directory_repository.set_standing(db, user_id, after)
        assert account is not None  # noqa: S101 - it is locked
        await self._see_to_effects(db, by, before, account)
        return account

    async def delete(
        self, db: Transaction, by: Acting, user_id: UUID, *, holds: Precondition = _anything
    ) -> None:
        """Delete an account with all that is known about its owner, who is told.

        Raises:
            UserNotFound: there is no such account.
            PreconditionFailed: it is not as it was when it was looked at.
            LastAdmin: nobody else could administer the service.
        """
        account = _found(await directory_repository.lock(db, user_id)).account
        if not holds(account):
            raise PreconditionFailed
        await self._removal.ensure_another_admin(db, account)
        await self._removal.remove(db, account, proof=None, actor=by.user_id)
        log.info("user_deleted", user_id=str(user_id), by=str(by.user_id))

    async def reset_password(self, db: Transaction, by: Acting, user_id: UUID) -> None:
        """Void the password and end every session; the owner gets a link to set another.

        Raises:
            UserNotFound: there is no such account.
        """
        account = await change_repository.void_password(db, user_id)
        if account is None:
            raise UserNotFound
        await self._tokens.void(db, account.id)
        await self._sessions.end_all(db, account.id, because="password_reset_by_admin")
        await self._proofs.forget(Email.parse(account.email))
        await by.record(self._audit, db, Action.PASSWORD_VOIDED, account.id)
        await self._send_link(db, MailKind.PASSWORD_VOIDED, account)
        log.info("password_voided", user_id=str(user_id), by=str(by.user_id))

    async def unlock(self, db: Transaction, by: Acting, user_id: UUID) -> None:
        """Have a password work again that failures have stopped or slowed.

        Raises:
            UserNotFound: there is no such account.
        """
        account = await change_repository.unlock(db, user_id)
        if account is None:
            raise UserNotFound
        await self._proofs.forget(Email.parse(account.email))
        await by.record(self._audit, db, Action.PASSWORD_UNLOCKED, account.id)
        log.info("password_unlocked", user_id=str(user_id), by=str(by.user_id))

    async def list_sessions(
        self, db: Transaction, user_id: UUID, *, after: UUID | None, limit: int
    ) -> list[ListedSession]:
        """Somebody's live sessions, the newest first.

        Raises:
            UserNotFound: there is no such account.
        """
        await self.get(user_id)
        return await self._sessions.list_live(db, user_id, after=after, limit=limit)

    async def end_sessions(self, db: Transaction, by: Acting, user_id: UUID) -> None:
        """End every session of somebody.

        Raises:
            UserNotFound: there is no such account.
        """
        _found(await directory_repository.lock(db, user_id))
        await self._sessions.end_all(db, user_id, because="ended_by_admin")
        await by.record(self._audit, db, Action.ALL_SESSIONS_ENDED, user_id)
        log.info("sessions_ended", user_id=str(user_id), by=str(by.user_id))

    async def end_everybodys_sessions(self, by: Acting) -> None:
        """End every session of everybody, in transactions of its own.

        Raises:
            ServiceUnavailable: the database was lost; some of the sessions go on.
        """
        async with self._database.transaction() as db:
            await by.record(self._audit, db, Action.EVERYBODYS_SESSIONS_ENDED, None)
        await self._sessions.end_everybodys()
        log.warning("everybodys_sessions_ended", by=str(by.user_id))

    async def disable(
        self, db: Transaction, email: Email, *, until: datetime | None = None
    ) -> Account:
        """Disable the account of an address from the command line; see ``change``."""
        found = await self.get_by_address(email)
        change = UserChange(disabling=Disabling(until=until))
        return await self.change(db, COMMAND_LINE, found.id, change)

    async def enable(self, db: Transaction, email: Email) -> Account:
        """Let the account of an address be used again; its old sessions stay ended."""
        found = await self.get_by_address(email)
        change = UserChange(disabling=Disabling(enable=True))
        return await self.change(db, COMMAND_LINE, found.id, change)

    async def list_all(self, db: Transaction) -> AsyncIterator[Account]:
        """Every account, in the order they were made, read in pages of 200."""
        after = None
        while page := await repository.list_page(db, after=after, limit=_PAGE):
            for account in page:
                yield account
            after = page[-1].id

    async def exists_admin(self, db: Transaction) -> bool:
        """Whether any account that is not disabled has the role `admin`."""
        return await repository.exists_with_role(db, ADMIN)

    async def _see_to_effects(
        self, db: Transaction, by: Acting, before: Account, after: Account
    ) -> None:
        now = self._clock.now()
        if not after.is_enabled(now):
            await self._sessions.end_all(db, after.id, because="account_disabled")
            await self._tokens.void(db, after.id)
        old, new = described(before), described(after)
        changed = [name for name in old if old[name] != new[name]]
        for action, names in _ACTIONS.items():
            if any(name in changed for name in names):
                if action is Action.USER_DISABLED and after.is_enabled(now):
                    action = Action.USER_ENABLED  # noqa: PLW2901 - the same change, the other way
                await by.record(
                    self._audit,
                    db,
                    action,
                    after.id,
                    before={name: old[name] for name in names},
                    after={name: new[name] for name in names},
                )
        log.info("user_changed", user_id=str(after.id), by=str(by.user_id), changed=changed)

    async def _send_link(self, db: Transaction, kind: MailKind, account: Account) -> None:
        await self._mailbox.send_link(
            db, kind, Purpose.SET_PASSWORD, user_id=account.id, to=Email.parse(account.email)
        )


_ACTIONS: Final = {
    Action.USER_ROLES_CHANGED: ("roles",),
    Action.EMAIL_VERIFICATION_SET: ("email_verified",),
    Action.USER_DISABLED: ("disabled_at", "disabled_until"),
}


def _found(entry: Entry | None) -> Entry:
    if entry is None:
        raise UserNotFound
    return entry


def _is_admin(standing: Standing, now: datetime) -> bool:
    until = standing.disabled_until
    enabled = standing.disabled_at is None or (until is not None and until <= now)
    return ADMIN in standing.roles and enabled
