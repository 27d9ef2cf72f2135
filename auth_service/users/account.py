"""An account as the rest of the service passes it on: facts, detached from any transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.core.passwords import PasswordHash


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is, and whether they may use their account now."""

    id: UUID
    email: str
    email_verified: bool
    roles: list[str]
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    disabled_until: datetime | None

    def is_enabled(self, now: datetime) -> bool:
        """Whether the account may be used: never disabled, or disabled until a time gone by."""
        if self.disabled_at is None:
            return True
        return self.disabled_until is not None and self.disabled_until <= now


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong passwords in a row: of everybody, and of devices that logged in before."""

    of_strangers: int = 0
    of_devices: int = 0


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account together with the hash that a password is compared with."""

    account: Account
    password_hash: PasswordHash | None
    failures: Failures = Failures()
    known_devices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ProvenPassword:
    """A password that was right when it was compared.

    What relies on it counts only while the account still has ``hash`` and fewer than ``hard_stop``
    failures, those of known devices where ``by_known_device``.
    """

    hash: PasswordHash | None
    by_known_device: bool
    hard_stop: int


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a new account starts with."""

    email: str
    email_key: str
    password_hash: PasswordHash | None
    roles: list[str]
    email_verified: bool = False


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """Everything that is kept of an account: what moves from one database to another."""

    id: UUID
    email: str
    email_key: str
    email_verified: bool
    password_hash: PasswordHash | None
    roles: list[str]
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    disabled_until: datetime | None
