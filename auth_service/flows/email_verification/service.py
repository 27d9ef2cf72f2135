"""Showing that an address is one's own: by a token that only its mailbox has received."""

import structlog

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.flows.email_change.service import EmailChange
from auth_service.mail.message import MailKind
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.users import change_repository

log = structlog.get_logger()


class EmailVerification:
    """The use cases of somebody who has a mail with a link before them, or misses one."""

    def __init__(  # noqa: PLR0913 - a verification stands on many parts, each named
        self,
        *,
        email_change: EmailChange,
        tokens: MailedTokens,
        wishes: MailWishes,
        mailbox: Mailbox,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._email_change = email_change
        self._tokens = tokens
        self._wishes = wishes
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock

    async def verify(self, db: Transaction, token: str, client: ClientInfo) -> None:
        """Use a token up: the address it was sent to is verified, or becomes the account's.

        Raises:
            InvalidToken: the token is not good for this (any more).
        """
        found = await self._tokens.get(token, Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)
        if found.purpose == Purpose.CHANGE_EMAIL:
            await self._email_change.complete(db, found, client)
            return
        account = await change_repository.verify_email(db, found.user_id, email_key=found.email_key)
        await self._tokens.consume(db, found)
        if account is None:
            raise InvalidToken
        await self._audit.record(
            db, Action.EMAIL_VERIFIED, subject=account.id, actor=account.id, client=client
        )
        log.info("email_verified", user_id=str(account.id))

    async def ask(self, db: Transaction, email: Email, client: ClientInfo) -> None:
        """Note that somebody misses the mail for an address, whoever's it is."""
        await self._wishes.put(db, WishKind.VERIFY_EMAIL, email, client)

    async def fulfil(self, db: Transaction, wish: Wish) -> None:
        """Mail a link to the address, if its account has not verified it and may be used."""
        account = await change_repository.lock_by_address(db, wish.email.key)
        if account is None or account.email_verified or not account.is_enabled(self._clock.now()):
            return
        if not await self._mailbox.may_send(MailKind.VERIFY_EMAIL, wish.email, wish.client):
            return
        await self._mailbox.send_link(
            db,
            MailKind.VERIFY_EMAIL,
            Purpose.VERIFY_EMAIL,
            user_id=account.id,
            to=Email(account.email, wish.email.key),
        )
