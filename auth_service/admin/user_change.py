"""What an administrator changes about an account, and what it comes to."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.core.moments import OutOfRangeError, in_range
from auth_service.users.account import Account
from auth_service.users.directory_repository import Standing
from auth_service.users.roles import checked_roles

_NO_TIME: Final = FieldFault(
    "/disabled_until", "time_out_of_range", "The time has to be between 1970 and 9999."
)
_PAST: Final = FieldFault("/disabled_until", "past", "The time is past: it would disable nothing.")


@dataclass(frozen=True, slots=True)
class Disabling:
    """Disable an account, for good or ``until`` a time; or ``enable`` it."""

    enable: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class UserChange:
    """The change: None is left as it is."""

    roles: list[str] | None = None
    email_verified: bool | None = None
    disabling: Disabling | None = None

    def checked(self, now: datetime) -> "UserChange":
        """The same, with each role once.

        Raises:
            ValidationFailed: a role is none, there are too many, or a disabling would end in the
                past or after 9999.
        """
        if self.disabling is not None and self.disabling.until is not None:
            try:
                until = in_range(self.disabling.until)
            except OutOfRangeError as fault:
                raise ValidationFailed((_NO_TIME,)) from fault
            if until <= now:
                raise ValidationFailed((_PAST,))
        return replace(self, roles=None if self.roles is None else checked_roles(self.roles))

    def applied_to(self, account: Account, now: datetime) -> Standing:
        """What the account is after it."""
        standing = standing_of(account)
        if self.roles is not None:
            standing = replace(standing, roles=self.roles)
        if self.email_verified is not None:
            standing = replace(standing, email_verified=self.email_verified)
        if self.disabling is not None:
            standing = _disabled(standing, self.disabling, account, now)
        return standing


def standing_of(account: Account) -> Standing:
    """How an account stands now."""
    return Standing(
        account.roles, account.email_verified, account.disabled_at, account.disabled_until
    )


def described(account: Account) -> dict[str, Any]:
    """The same in words that JSON has, for the record of what was changed."""
    return {
        "roles": account.roles,
        "email_verified": account.email_verified,
        "disabled_at": account.disabled_at and account.disabled_at.isoformat(),
        "disabled_until": account.disabled_until and account.disabled_until.isoformat(),
    }


def _disabled(
    standing: Standing, disabling: Disabling, account: Account, now: datetime
) -> Standing:
    if disabling.enable:
        return replace(standing, disabled_at=None, disabled_until=None)
    since = now if account.is_enabled(now) else account.disabled_at
    return replace(standing, disabled_at=since, disabled_until=disabling.until)
