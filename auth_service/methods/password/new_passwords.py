"""Which passwords may be chosen: by the policy, and where that is asked, known from no breach."""

from typing import Final

from auth_service.core.emails import Email
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.methods.password.breached import BreachedPasswords
from auth_service.methods.password.policy import PasswordPolicy

_CODE: Final = "password_breached"
_BREACHED: Final = (
    "The password is known from a data breach, so others will try it. Choose another one."
)


class NewPasswords:
    """Decides on passwords that somebody chooses, before any account is looked up."""

    def __init__(self, *, policy: PasswordPolicy, breached: BreachedPasswords) -> None:
        self._policy = policy
        self._breached = breached

    async def check(
        self, password: str, *, email: Email | str | None, pointer: str = "/password"
    ) -> None:
        """Do nothing for a password that may be used, whatever account it is for.

        Raises:
            ValidationFailed: it may not; every reason is named, at ``pointer`` (RFC 6901).
        """
        self._policy.check(password, email=email, pointer=pointer)
        if await self._breached.has(password):
            raise ValidationFailed((FieldFault(pointer, _CODE, _BREACHED),))
