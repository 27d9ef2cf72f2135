"""The members of a set of claims, each read as the one type it may have (RFC 7519 section 4)."""

from collections.abc import Mapping
from typing import Any, Final

from auth_service.verifier.errors import InvalidTokenError

# The last second of the year 9999: beyond it neither floats nor calendars can be relied on.
_LATEST_TIME: Final = 253_402_300_799


def time_of(claims: Mapping[str, Any], name: str) -> float:
    """Seconds since 1970.

    Raises:
        InvalidTokenError: it is no number, or beyond all calendars.
    """
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LATEST_TIME:
        raise InvalidTokenError(name)
    return value


def text_of(claims: Mapping[str, Any], name: str) -> str:
    """A text that is not empty.

    Raises:
        InvalidTokenError: it is something else.
    """
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(name)
    return value


def texts_of(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts; none where the member is missing.

    Raises:
        InvalidTokenError: it is something else.
    """
    values = claims.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidTokenError(name)
    return tuple(values)


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """What the member ``scope`` lists, parted by spaces (RFC 8693 section 4.2).

    Raises:
        InvalidTokenError: it is no text.
    """
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise InvalidTokenError("scope")
    return tuple(value.split())
