"""Making an account."""

from typing import Final

import structlog

from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.db.session import Transaction
from auth_service.flows.registration.errors import EmailTaken, RegistrationClosed
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.policy import PasswordPolicy
from auth_service.setting_types import Registration
from auth_service.settings import Settings
from auth_service.users import repository
from auth_service.users.account import Account, NewAccount, is_role_name

log = structlog.get_logger()
DEFAULT_ROLES: Final = ("user",)
_NOT_A_ROLE: Final = FieldFault(
    "/roles", "invalid_role", "A role is 1 to 64 of a-z 0-9 _ . : - and begins with a letter."
)


class Registrations:
    """The use cases of registration."""

    def __init__(
        self, *, hasher: PasswordHasher, policy: PasswordPolicy, clock: Clock, settings: Settings
    ) -> None:
        self._hasher = hasher
        self._policy = policy
        self._clock = clock
        self._mode = settings.registration

    async def register(self, db: Transaction, email: Email, password: str) -> Account | None:
        """Make an account for whoever asks; None in private mode, where the answer tells nothing.

        The password is hashed before anything is looked up, and before the transaction begins: a
        taken address costs the same, and no connection waits for a hash.

        Raises:
            RegistrationClosed: accounts are made by others.
            ValidationFailed: the password breaks a rule.
            EmailTaken: the address has an account (not in private mode).
            Busy: too many passwords are being hashed.
        """
        if self._mode is Registration.CLOSED:
            raise RegistrationClosed
        try:
            account = await self.create(db, email, password)
        except EmailTaken:
            if self._mode is Registration.OPEN:
                raise
            return None
        return account if self._mode is Registration.OPEN else None

    async def create(
        self,
        db: Transaction,
        email: Email,
        password: str,
        *,
        roles: tuple[str, ...] = DEFAULT_ROLES,
        email_verified: bool = False,
    ) -> Account:
        """Make an account, whatever the registration mode.

        Raises:
            ValidationFailed: the password breaks a rule, or a role is none.
            EmailTaken: the address has an account.
            Busy: too many passwords are being hashed.
        """
        if not all(map(is_role_name, roles)):
            raise ValidationFailed((_NOT_A_ROLE,))
        self._policy.check(password, email=email)
        new = NewAccount(
            email=email.address,
            email_key=email.key,
            password_hash=await self._hasher.hash(password),
            roles=list(roles),
            email_verified=email_verified,
        )
        account = await repository.add(db, new, self._clock.now())
        if account is None:
            raise EmailTaken
        log.info("user_registered", user_id=str(account.id))
        return account
