"""An account as values of named fields, and back."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from auth_service.admin.moving.errors import RefusedFieldError
from auth_service.admin.moving.fields import (
    read_email,
    read_flag,
    read_id,
    read_moment,
    read_roles,
    read_text,
)
from auth_service.admin.moving.names import FIELDS
from auth_service.core.ids import new_id
from auth_service.flows.registration.service import DEFAULT_ROLES
from auth_service.users.account import AccountRecord

Values = Mapping[str, Any]
HashObjection = Callable[[str], str | None]
"""Says why a hash can never be checked here; None where it can."""

_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = MappingProxyType(
    {
        "email": read_email,
        "id": read_id,
        "email_verified": read_flag,
        "password_hash": read_text,
        "roles": read_roles,
        "created_at": read_moment,
        "last_login_at": read_moment,
        "disabled": read_flag,
        "disabled_at": read_moment,
        "disabled_until": read_moment,
    }
)
_OVER: Final = ("created_at", "last_login_at", "disabled_at")
_CLOCKS_DIFFER: Final = timedelta(days=1)


def record_of(values: Values, *, objection: HashObjection, now: datetime) -> AccountRecord:
    """The account that the values describe; null and an empty text stand for nothing given.

    Without an id it gets a new one, without roles those of a new user, without a time of its
    making the present.

    Raises:
        RefusedFieldError: one of them cannot be accepted.
    """
    found: dict[str, Any] = dict.fromkeys(_READERS)
    for field, value in values.items():
        if value is not None and value != "":
            found[field] = _READERS[field](field, value)
    email = found["email"]
    if email is None:
        raise RefusedFieldError("email", "is missing")
    _check_times(found, now)
    _check_hash(found["password_hash"], objection)
    return AccountRecord(
        id=found["id"] or new_id(),
        email=email.address,
        email_key=email.key,
        email_verified=found["email_verified"] or False,
        password_hash=found["password_hash"],
        roles=list(DEFAULT_ROLES) if found["roles"] is None else found["roles"],
        created_at=found["created_at"] or now,
        last_login_at=found["last_login_at"],
        disabled_at=_disabled_at(found, now),
        disabled_until=found["disabled_until"],
    )


def _check_times(found: Values, now: datetime) -> None:
    for field in _OVER:
        if found[field] is not None and found[field] > now + _CLOCKS_DIFFER:
            raise RefusedFieldError(field, "lies in the future")


def _check_hash(password_hash: str | None, objection: HashObjection) -> None:
    reason = None if password_hash is None else objection(password_hash)
    if reason is not None:
        raise RefusedFieldError("password_hash", reason)


def _disabled_at(found: Values, now: datetime) -> datetime | None:
    disabled_at: datetime | None = found["disabled_at"]
    if found["disabled"] is False and disabled_at is not None:
        raise RefusedFieldError("disabled", "is false, although disabled_at is given")
    if found["disabled"] and disabled_at is None:
        disabled_at = now
    if found["disabled_until"] is not None and disabled_at is None:
        raise RefusedFieldError("disabled_until", "is given for an account that is not disabled")
    return disabled_at


def values_of(record: AccountRecord) -> dict[str, Any]:
    """The values of a record as ``record_of`` takes them: texts, booleans, lists of texts, None."""
    return {field: _plain(getattr(record, field)) for field in FIELDS}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value if value is None or isinstance(value, bool | list) else str(value)
