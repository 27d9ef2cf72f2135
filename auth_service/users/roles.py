"""Roles: what one may be called, and how many an account may have."""

import re
from collections.abc import Sequence
from typing import Final

from auth_service.core.errors import FieldFault, ValidationFailed

MOST_ROLES: Final = 50
"""All of them are in every access token, which has to stay under 8 KiB."""
ROLE_PATTERN: Final = r"^[a-z][a-z0-9_.:-]{0,63}$"
ROLES_RULE: Final = (
    "A role is 1 to 64 of a-z 0-9 _ . : - and begins with a letter, and nobody has more than "
    f"{MOST_ROLES}."
)
_ROLE: Final = re.compile(ROLE_PATTERN)
_NOT_ROLES: Final = FieldFault("/roles", "invalid_role", ROLES_RULE)


class InvalidRolesError(ValueError):
    """Something that is no role, or more roles than an account may have."""


def distinct_roles(roles: Sequence[object]) -> list[str]:
    """The roles, each once, in their order.

    Raises:
        InvalidRolesError: one of them is none, or there are more than fifty.
    """
    if len(roles) > MOST_ROLES:
        raise InvalidRolesError(ROLES_RULE)
    found: list[str] = []
    for role in roles:
        if not isinstance(role, str) or _ROLE.fullmatch(role) is None:
            raise InvalidRolesError(ROLES_RULE)
        if role not in found:
            found.append(role)
    return found


def checked_roles(roles: Sequence[object]) -> list[str]:
    """The same, for a request.

    Raises:
        ValidationFailed: one of them is none, or there are more than fifty.
    """
    try:
        return distinct_roles(roles)
    except InvalidRolesError as fault:
        raise ValidationFailed((_NOT_ROLES,)) from fault
