"""What a mailed token is: 256 random bits, kept as a hash, for one purpose and one address."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from auth_service.core.emails import Email

RawMailedToken = NewType("RawMailedToken", str)
MailedTokenHash = NewType("MailedTokenHash", bytes)
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Purpose(StrEnum):
    """What a token is good for, and nothing else."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, no password
    SET_PASSWORD = "set_password"  # noqa: S105 - likewise
    CHANGE_EMAIL = "change_email"
    UNDO_EMAIL_CHANGE = "undo_email_change"


@dataclass(frozen=True, slots=True)
class StoredMailedToken:
    """A token as the database keeps it."""

    id: UUID
    token_hash: MailedTokenHash
    purpose: str
    user_id: UUID
    email: str
    email_key: str
    created_at: datetime
    expires_at: datetime

    @property
    def bound_to(self) -> Email:
        """The address the token is bound to."""
        return Email(self.email, self.email_key)


def new_token() -> RawMailedToken:
    """A new token: 256 random bits, base64url."""
    return RawMailedToken(secrets.token_urlsafe(32))


def hash_of(token: RawMailedToken) -> MailedTokenHash:
    """SHA-256 of a token: nothing slower is needed for what nobody can guess."""
    return MailedTokenHash(hashlib.sha256(token.encode("ascii")).digest())


def find_form(text: str) -> RawMailedToken | None:
    """What was sent in, if it looks like one of ours."""
    return RawMailedToken(text) if _FORM.fullmatch(text) else None
