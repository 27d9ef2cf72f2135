"""Changing the address of an account, so that a thief of one mailbox or session cannot keep it.

The new address has to confirm the change, the old one is told of it and can take it back for three
days. Whether the new address is taken shows nowhere but in its own mailbox.
"""

import structlog

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.secrets import Keyring
from auth_service.db.session import Transaction
from auth_service.mail.message import MailKind
from auth_service.mail.wording import circumstances
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose, StoredMailedToken
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.confirmation import PasswordConfirmation
from auth_service.sessions.service import Sessions
from auth_service.users import change_repository
from auth_service.users.account import Account

log = structlog.get_logger()


class EmailChange:
    """The use cases of somebody who wants another address, or does not."""

    def __init__(  # noqa: PLR0913 - a change stands on many parts, each named
        self,
        *,
        confirmation: PasswordConfirmation,
        sessions: Sessions,
        tokens: MailedTokens,
        wishes: MailWishes,
        mailbox: Mailbox,
        audit: Audit,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._confirmation = confirmation
        self._sessions = sessions
        self._tokens = tokens
        self._wishes = wishes
        self._mailbox = mailbox
        self._audit = audit
        self._keyring = keyring
        self._clock = clock

    async def ask(
        self,
        db: Transaction,
        account: Account,
        new_email: Email,
        password: str,
        client: ClientInfo,
    ) -> None:
        """Note that somebody wants another address; the same for one that is taken.

        Raises:
            ReauthenticationFailed: the password is wrong, or was changed at this moment.
            Busy: too many passwords are being hashed.
        """
        confirmed = await self._confirmation.begin(db, account.id, password, client)
        holds = await change_repository.confirm_password(db, account.id, confirmed.proof)
        await self._confirmation.complete(db, confirmed, holds or None)
        await self._audit.record(
            db,
            Action.EMAIL_CHANGE_REQUESTED,
            subject=account.id,
            actor=account.id,
            client=client,
            # It may be a stranger's: it becomes the account's only once that mailbox has agreed.
            address=self._keyring.pseudonym(new_email.key),
        )
        await self._wishes.put(db, WishKind.CHANGE_EMAIL, new_email, client, user_id=account.id)

    async def fulfil(self, db: Transaction, wish: Wish) -> None:
        """Mail a link to the new address; to one that is taken, that somebody wanted it."""
        assert wish.user_id is not None  # noqa: S101 - only somebody logged in can wish for this
        account = await change_repository.lock(db, wish.user_id)
        if account is None:
            return
        owner = await change_repository.lock_by_address(db, wish.email.key)
        if owner is not None and owner.id != account.id:
            if await self._mailbox.may_send(MailKind.REGISTRATION_ATTEMPT, wish.email, wish.client):
                await self._mailbox.tell_of_attempt(db, wish.email)
            return
        if await self._tokens.is_reserved(db, wish.email, against=account.id):
            return
        if not await self._mailbox.may_send(MailKind.EMAIL_CHANGE_CONFIRM, wish.email, wish.client):
            return
        await self._mailbox.send_link(
            db,
            MailKind.EMAIL_CHANGE_CONFIRM,
            Purpose.CHANGE_EMAIL,
            user_id=account.id,
            to=wish.email,
            new_email=wish.email.address,
        )

    async def complete(self, db: Transaction, token: StoredMailedToken, client: ClientInfo) -> None:
        """Make the address the token was sent to the account's.

        Effect: whatever else was mailed is void but undo links. An old address that was verified
        gets an undo link, and is reserved for as long as that is live. One that was never verified
        may belong to a stranger, by a typing error: it gets nothing, not even the news.

        Raises:
            InvalidToken: the token was used at this moment, or the address is taken by now.
        """
        before = await change_repository.lock_for_change(db, token.user_id)
        if before is None:
            raise InvalidToken
        await self._tokens.consume(db, token)
        old = Email.parse(before.email)
        account = await change_repository.change_email(db, before.id, token.bound_to)
        if account is None or await self._tokens.is_reserved(
            db, token.bound_to, against=account.id
        ):
            raise InvalidToken
        await self._tokens.void(db, account.id)
        await self._audit.record(
            db,
            Action.EMAIL_CHANGED,
            subject=account.id,
            actor=account.id,
            client=client,
            old_email=old.address,
            new_email=account.email,
        )
        if before.email_verified and old.key != token.email_key:
            await self._mailbox.send_link(
                db,
                MailKind.EMAIL_CHANGE_NOTICE,
                Purpose.UNDO_EMAIL_CHANGE,
                user_id=account.id,
                to=old,
                old_email=old.address,
                new_email=account.email,
                **circumstances(client, self._clock.now()),
            )
        log.info("email_changed", user_id=str(account.id))

    async def undo(self, db: Transaction, token: str, client: ClientInfo) -> None:
        """Restore an account's earlier address.

        Effect: every session is revoked, the password is void, and so is everything mailed since
        the change, undo links of later changes included. An account that was closed since is
        reopened. The restored address gets a link for a new password.

        Raises:
            InvalidToken: the token is not good for this (any more).
        """
        found = await self._tokens.get(token, Purpose.UNDO_EMAIL_CHANGE)
        account = await change_repository.restore_email(db, found.user_id, found.bound_to)
        await self._tokens.consume(db, found)
        if account is None:
            raise InvalidToken
        await self._tokens.void_made_after(db, found)
        await self._sessions.end_all(db, account.id, because="email_change_undone")
        await self._audit.record(
            db, Action.EMAIL_CHANGE_UNDONE, subject=account.id, actor=account.id, client=client
        )
        await self._mailbox.send_link(
            db,
            MailKind.EMAIL_CHANGE_UNDONE,
            Purpose.RESET_PASSWORD,
            user_id=account.id,
            to=found.bound_to,
            old_email=found.email,
        )
        log.info("email_change_undone", user_id=str(account.id))
