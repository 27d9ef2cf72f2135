"""Resetting a forgotten password (OWASP Forgot Password Cheat Sheet).

Asking writes the same wish for every address. What becomes of it, a mail or nothing, is seen to
after the answer has left. A reset proves that the mailbox is the owner's, and nothing more: it logs
nobody in.
"""

from typing import Final

import structlog

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.mail.message import MailKind
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.new_passwords import NewPasswords
from auth_service.methods.password.proof import PasswordProofs
from auth_service.sessions.service import Sessions
from auth_service.users import change_repository
from auth_service.users.account import Account

log = structlog.get_logger()
_POINTER: Final = "/new_password"


class PasswordReset:
    """The use cases of somebody who has forgotten their password."""

    def __init__(  # noqa: PLR0913 - a reset stands on many parts, each named
        self,
        *,
        hasher: PasswordHasher,
        proofs: PasswordProofs,
        rules: NewPasswords,
        sessions: Sessions,
        tokens: MailedTokens,
        wishes: MailWishes,
        mailbox: Mailbox,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._hasher = hasher
        self._proofs = proofs
        self._rules = rules
        self._sessions = sessions
        self._tokens = tokens
        self._wishes = wishes
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock

    async def ask(self, db: Transaction, email: Email, client: ClientInfo) -> None:
        """Note that somebody has forgotten the password of an address, whoever's it is."""
        await self._wishes.put(db, WishKind.RESET_PASSWORD, email, client)

    async def fulfil(self, db: Transaction, wish: Wish) -> None:
        """Mail a link to the owner of the address, if it has one who may log in."""
        account = await change_repository.lock_by_address(db, wish.email.key, shared=False)
        if account is None or not account.is_enabled(self._clock.now()):
            return
        is_owed = await self._is_owed_a_link(db, account, wish.client)
        # Asked in any case, so that it counts.
        has_room = await self._mailbox.may_send(MailKind.PASSWORD_RESET, wish.email, wish.client)
        if not (has_room or is_owed):
            return
        await self._audit.record(
            db, Action.PASSWORD_RESET_REQUESTED, subject=account.id, client=wish.client
        )
        await self._mailbox.send_link(
            db,
            MailKind.PASSWORD_RESET,
            Purpose.RESET_PASSWORD,
            user_id=account.id,
            to=Email(account.email, wish.email.key),
        )

    async def _is_owed_a_link(self, db: Transaction, account: Account, client: ClientInfo) -> bool:
        """Whether limits do not count: whoever uses them up must not keep the owner from a link.

        One that is good is in the mailbox, then, or the asking browser logged in before.
        """
        if self._proofs.knows_device(client, account.id):
            return True
        return account.email_verified and not await self._tokens.has_live(
            db, account.id, Purpose.RESET_PASSWORD, Purpose.SET_PASSWORD
        )

    async def reset(
        self, db: Transaction, token: str, new_password: str, client: ClientInfo
    ) -> None:
        """Set a new password by a mailed token.

        Effect: every session ends, and whatever else was mailed is void but undo links. The address
        counts as verified. The owner is told.

        Raises:
            ValidationFailed: the password breaks a rule; the token stays good.
            InvalidToken: the token is not good for this, or was used by another at this moment.
            Busy: too many passwords are being hashed; the token stays good.
        """
        await self._rules.check(new_password, email=None, pointer=_POINTER)
        found = await self._tokens.get(token, Purpose.RESET_PASSWORD, Purpose.SET_PASSWORD)
        await self._rules.check(new_password, email=found.bound_to, pointer=_POINTER)
        new_hash = await self._hasher.hash(new_password)
        # The account first: whoever changes it, and whoever mails a token for it, takes its row.
        account = await change_repository.reset_password(
            db, found.user_id, email_key=found.email_key, new_hash=new_hash
        )
        await self._tokens.consume(db, found)
        if account is None:
            raise InvalidToken
        await self._proofs.forget(found.bound_to)
        await self._tokens.void(db, account.id)
        await self._sessions.end_all(db, account.id, because="password_reset")
        await self._audit.record(
            db, Action.PASSWORD_RESET, subject=account.id, actor=account.id, client=client
        )
        await self._mailbox.tell(db, MailKind.PASSWORD_CHANGED, account, client)
        log.info("password_reset", user_id=str(account.id))
