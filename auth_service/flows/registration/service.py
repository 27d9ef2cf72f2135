"""Making an account."""

from typing import Final

import structlog

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.ids import new_id
from auth_service.db.session import Transaction
from auth_service.flows.registration.errors import EmailTaken, RegistrationClosed
from auth_service.mail.message import MailKind
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.new_passwords import NewPasswords
from auth_service.setting_types import Registration
from auth_service.settings import Settings
from auth_service.users import change_repository, repository
from auth_service.users.account import Account, NewAccount
from auth_service.users.roles import checked_roles

log = structlog.get_logger()
DEFAULT_ROLES: Final = ("user",)


class Registrations:
    """The use cases of registration."""

    def __init__(  # noqa: PLR0913 - a registration stands on many parts, each named
        self,
        *,
        hasher: PasswordHasher,
        rules: NewPasswords,
        tokens: MailedTokens,
        mailbox: Mailbox,
        wishes: MailWishes,
        audit: Audit,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._hasher = hasher
        self._rules = rules
        self._tokens = tokens
        self._mailbox = mailbox
        self._wishes = wishes
        self._audit = audit
        self._clock = clock
        self._mode = settings.registration

    async def register(
        self,
        db: Transaction,
        email: Email,
        password: str,
        client: ClientInfo,
    ) -> Account | None:
        """Make an account for whoever asks; None in private mode, where the answer tells nothing.

        A link that confirms the address is mailed there, unless strangers have caused too many
        mails to it already. In private mode the owner of a taken one
        is told of the attempt. The password is hashed before anything is looked up, and before the
        transaction begins: a taken address costs the same, and no connection waits for a hash.

        Raises:
            RegistrationClosed: accounts are made by others.
            ValidationFailed: the password breaks a rule.
            EmailTaken: the address has an account (not in private mode).
            Busy: too many passwords are being hashed.
        """
        if self._mode is Registration.CLOSED:
            raise RegistrationClosed
        if self._mode is Registration.PRIVATE:
            await self._register_privately(db, email, password, client)
            return None
        account = await self.create(db, email, password, client=client)
        if await self._mailbox.has_room(email):
            await self._mailbox.send_link(
                db, MailKind.VERIFY_EMAIL, Purpose.VERIFY_EMAIL, user_id=account.id, to=email
            )
        return account

    async def _register_privately(
        self, db: Transaction, email: Email, password: str, client: ClientInfo
    ) -> None:
        """Make an account or none: as many statements, of the same kinds, in either case.

        What is mailed differs, so it is only wished for, and seen to after the answer.
        """
        try:
            await self.create(db, email, password, client=client)
        except EmailTaken:
            await self._audit.record(
                db, Action.USER_REGISTERED, subject=None, client=client, outcome=Outcome.FAILURE
            )
            await self._wishes.put(db, WishKind.REGISTRATION_ATTEMPT, email, client)
        else:
            await self._wishes.put(db, WishKind.VERIFY_EMAIL, email, client)

    async def fulfil(self, db: Transaction, wish: Wish) -> None:
        """Tell the owner of an address that somebody tried to make an account with it."""
        owner = await change_repository.lock_by_address(db, wish.email.key)
        if owner is not None and await self._mailbox.may_send(
            MailKind.REGISTRATION_ATTEMPT, wish.email, wish.client
        ):
            await self._mailbox.tell_of_attempt(db, Email(owner.email, wish.email.key))

    async def create(  # noqa: PLR0913 - what an account needs, it names
        self,
        db: Transaction,
        email: Email,
        password: str,
        *,
        client: ClientInfo,
        roles: tuple[str, ...] = DEFAULT_ROLES,
        email_verified: bool = False,
    ) -> Account:
        """Make an account, whatever the registration mode.

        Raises:
            ValidationFailed: the password breaks a rule, or a role is none.
            EmailTaken: the address has an account.
            Busy: too many passwords are being hashed.
        """
        checked = checked_roles(roles)
        await self._rules.check(password, email=email)
        new = NewAccount(
            email=email.address,
            email_key=email.key,
            password_hash=await self._hasher.hash(password),
            roles=checked,
            email_verified=email_verified,
        )
        async with db.begin_nested():
            account = await self._add(db, new, email)
        await self._audit.record(
            db, Action.USER_REGISTERED, subject=account.id, actor=account.id, client=client
        )
        log.info("user_registered", user_id=str(account.id))
        return account

    async def add_without_password(
        self, db: Transaction, email: Email, *, roles: list[str], email_verified: bool
    ) -> Account:
        """Make an account whose owner has yet to set a password, whatever the registration mode.

        Raises:
            ValidationFailed: a role is none, or there are too many of them.
            EmailTaken: the address has an account.
        """
        new = NewAccount(
            email=email.address,
            email_key=email.key,
            password_hash=None,
            roles=checked_roles(roles),
            email_verified=email_verified,
        )
        return await self._add(db, new, email)

    async def _add(self, db: Transaction, new: NewAccount, email: Email) -> Account:
        account = await repository.add(db, new, self._clock.now())
        # Looked at afterwards: the row, once added, is what a change of address waits for. And in
        # any case, so that a taken address takes as long as a free one.
        against = account.id if account else new_id()
        if await self._tokens.is_reserved(db, email, against=against) or account is None:
            raise EmailTaken
        return account
