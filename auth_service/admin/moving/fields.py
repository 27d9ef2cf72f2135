"""The fields of a record: how each spelling of a value is read."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from auth_service.admin.moving.errors import RefusedFieldError
from auth_service.core.emails import Email, InvalidEmailError
from auth_service.core.moments import in_range
from auth_service.users.roles import MOST_ROLES, InvalidRolesError, distinct_roles
from auth_service.verifier.strict_json import parse_strict_json

_YES: Final = frozenset(("true", "t", "yes", "y", "1"))
_NO: Final = frozenset(("false", "f", "no", "n", "0"))
_BETWEEN_ROLES: Final = re.compile(r"[\s,;|]+")
_NOT_ROLES: Final = (
    f"has something that is no role (1 to 64 of a-z 0-9 _ . : - beginning with a letter), or more "
    f"than {MOST_ROLES}"
)
_MOMENT: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def read_text(field: str, value: object) -> str:
    """A text.

    Raises:
        RefusedFieldError: it is something else.
    """
    if not isinstance(value, str):
        raise RefusedFieldError(field, "is no text")
    return value.strip()


def read_email(field: str, value: object) -> Email:
    """An address.

    Raises:
        RefusedFieldError: it is none.
    """
    try:
        return Email.parse(read_text(field, value))
    except InvalidEmailError as fault:
        raise RefusedFieldError(field, "is no valid address") from fault


def read_id(field: str, value: object) -> UUID:
    """A UUID, in any spelling.

    Raises:
        RefusedFieldError: it is something else, such as the number of a row.
    """
    try:
        return UUID(read_text(field, value))
    except (RefusedFieldError, ValueError) as fault:
        reason = "is no UUID (with --ignore id everybody gets a new one)"
        raise RefusedFieldError(field, reason) from fault


def read_flag(field: str, value: object) -> bool:
    """Yes or no: true, t, yes, y, 1, or false, f, no, n, 0; in JSON also a boolean.

    Raises:
        RefusedFieldError: it is something else.
    """
    text = str(value).strip().lower()
    if text in _YES | _NO:
        return text in _YES
    raise RefusedFieldError(field, "is neither true nor false")


def read_roles(field: str, value: object) -> list[str]:
    """Roles: a list, or a text of them with spaces, commas, semicolons or ``|`` between.

    Raises:
        RefusedFieldError: it is something else, or there are too many of them.
    """
    roles = _listed(value) if isinstance(value, str) else value
    try:
        return distinct_roles(roles if isinstance(roles, list) else [None])
    except InvalidRolesError as fault:
        raise RefusedFieldError(field, _NOT_ROLES) from fault


def _listed(text: str) -> object:
    if not text.startswith("["):
        return _BETWEEN_ROLES.split(text.strip())
    try:
        return parse_strict_json(text.encode())
    except ValueError:
        return None


def read_moment(field: str, value: object) -> datetime:
    """A time in the spelling of RFC 3339 or of a database; in UTC where it has no zone.

    Raises:
        RefusedFieldError: it is something else.
    """
    found = _MOMENT.fullmatch(read_text(field, value))
    if found is None:
        raise RefusedFieldError(field, "is no time like 2026-11-23T12:00:00Z")
    zone = (found["zone"] or "Z").replace("UTC", "Z")
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}{zone}")
        return in_range(moment)
    except ValueError as fault:
        raise RefusedFieldError(field, "is no time between 1970 and 9999") from fault
