"""Scopes: what a client may ask for (RFC 6749 section 3.3)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from auth_service.clients.errors import InvalidScope
from auth_service.core.errors import FieldFault, ValidationFailed

INTROSPECTION_SCOPE: Final = "introspection"
"""May ask whether a token is good."""
EMAIL_SCOPE: Final = "email"
"""Is told a person's address by that."""
MAXIMUM_SCOPES: Final = 50
_NOT_SCOPES: Final = FieldFault(
    "/scopes",
    "invalid_scope",
    f"A client has at most {MAXIMUM_SCOPES} scopes, each of 1 to 64 printable ASCII characters "
    "without space, quotation mark and backslash.",
)
SCOPE_PATTERN: Final = r"^[\x21\x23-\x5B\x5D-\x7E]{1,64}$"
_SCOPE: Final = re.compile(SCOPE_PATTERN)


def is_scope_name(text: str) -> bool:
    """Whether this may be a scope: 1 to 64 of ASCII's printable characters, no space or quote."""
    return _SCOPE.fullmatch(text) is not None


def distinct(scopes: Iterable[str]) -> list[str]:
    """The scopes, each once, in their order.

    Raises:
        ValidationFailed: one of them is none, or there are more than fifty.
    """
    found = list(dict.fromkeys(scopes))
    if len(found) > MAXIMUM_SCOPES or not all(map(is_scope_name, found)):
        raise ValidationFailed((_NOT_SCOPES,))
    return found


def granted(asked: str | None, allowed: Sequence[str]) -> list[str]:
    """What a client gets that asks for ``asked``; all it is allowed where it asks for nothing.

    Raises:
        InvalidScope: it asks for more than it is allowed.
    """
    if not asked:
        return list(allowed)
    wanted = list(dict.fromkeys(asked.split(" ")))
    if not set(wanted) <= set(allowed):
        raise InvalidScope
    return wanted
