"""The fields that an account moves with, and what is said about others."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from auth_service.admin.moving.errors import UnreadableLineError

FIELDS: Final = (
    "id",
    "email",
    "email_verified",
    "password_hash",
    "roles",
    "created_at",
    "last_login_at",
    "disabled_at",
    "disabled_until",
)
"""What an export writes, in this order."""

_KNOWN: Final = frozenset((*FIELDS, "disabled"))
# Without its hash nobody could log in, and an import never touches an account again: a column
# left out by mistake could not be mended by importing once more.
_REQUIRED: Final = ("email", "password_hash")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")


def check_names(names: Sequence[str], ignore: Collection[str]) -> None:
    """Do nothing for names that a record may have, ``ignore`` left aside.

    Raises:
        UnreadableLineError: one is unknown, missing or there twice.
    """
    if unknown := [*_shown(names, _KNOWN.union(ignore))]:
        raise UnreadableLineError(
            f"has fields that are not known: {', '.join(unknown)} (--ignore NAME leaves one out)"
        )
    if len(set(names)) != len(names):
        raise UnreadableLineError("has a field twice")
    if missing := [name for name in _REQUIRED if name not in names or name in ignore]:
        raise UnreadableLineError(
            f"has no {' and no '.join(missing)}, which has to be there, if only empty"
        )


def _shown(names: Sequence[str], known: Collection[str]) -> Iterator[str]:
    """The unknown names; by their place where one may be a value, as in a file without header."""
    for place, name in enumerate(names, 1):
        if name not in known:
            yield name if _PLAIN_NAME.fullmatch(name) else f"number {place}"
