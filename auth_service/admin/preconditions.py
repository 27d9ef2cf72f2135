"""``ETag`` and ``If-Match`` (RFC 9110 sections 8.8.3 and 13.1.1): no change is made unseen."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Header

from auth_service.users.account import Account

_MAXIMUM_LENGTH: Final = 8192
_ENTITY_TAG: Final = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=_MAXIMUM_LENGTH,
        description="Make the change only if the user is still as this `ETag` says: else 412.",
    ),
]
Precondition = Callable[[Account], bool]


def entity_tag(account: Account) -> str:
    """The tag of an account as an administrator may change it.

    A login does not change it: whoever edits an account is not thwarted by its owner coming home.
    """
    facts = [
        str(account.id),
        account.email,
        account.email_verified,
        account.roles,
        str(account.disabled_at),
        str(account.disabled_until),
    ]
    return '"' + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32] + '"'


def precondition(if_match: str | None) -> Precondition:
    """What an ``If-Match`` asks of the account that is about to be changed."""
    if if_match is None or if_match.strip() == "*":
        return lambda _: True
    strong = {tag for weak, tag in _ENTITY_TAG.findall(if_match) if not weak}
    return lambda account: entity_tag(account) in strong
