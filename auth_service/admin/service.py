"""Accounts, as an administrator changes them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import structlog

from auth_service.admin.errors import UserNotFound
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.sessions.service import Sessions
from auth_service.users import repository
from auth_service.users.account import Account

log = structlog.get_logger()
_PAGE: Final = 200


class UserAdministration:
    """The use cases of whoever looks after accounts."""

    def __init__(self, *, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def disable(
        self, db: Transaction, email: Email, *, until: datetime | None = None
    ) -> Account:
        """Disable an account, for good or until a time; its sessions end and stay ended.

        Raises:
            UserNotFound: the address has no account.
        """
        account = await repository.set_disabled(db, email.key, at=self._clock.now(), until=until)
        if account is None:
            raise UserNotFound
        await self._sessions.end_all(db, account.id, because="account_disabled")
        log.info("user_disabled", user_id=str(account.id))
        return account

    async def enable(self, db: Transaction, email: Email) -> Account:
        """Let an account be used again; its old sessions stay ended.

        Raises:
            UserNotFound: the address has no account.
        """
        account = await repository.set_disabled(db, email.key, at=None, until=None)
        if account is None:
            raise UserNotFound
        log.info("user_enabled", user_id=str(account.id))
        return account

    async def list_all(self, db: Transaction) -> AsyncIterator[Account]:
        """Every account, in the order they were made, read in pages of 200."""
        after = None
        while page := await repository.list_page(db, after=after, limit=_PAGE):
            for account in page:
                yield account
            after = page[-1].id

    async def exists_admin(self, db: Transaction) -> bool:
        """Whether any account that is not disabled has the role `admin`."""
        return await repository.exists_with_role(db, "admin")
