"""What a mail says, before it is rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class MailKind(StrEnum):
    """The mails this service sends; each has templates of its name."""

    VERIFY_EMAIL = "verify_email"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of mail, no password
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - likewise
    EMAIL_CHANGE_CONFIRM = "email_change_confirm"
    EMAIL_CHANGE_NOTICE = "email_change_notice"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    REGISTRATION_ATTEMPT = "registration_attempt"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - likewise
    NEW_DEVICE = "new_device"
    ACCOUNT_DELETED = "account_deleted"
    HARD_STOP = "hard_stop"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address. ``values`` are what its template shows: links, times, places.

    ``user_id`` is whose account it is about: what has not been sent goes with the account.
    """

    kind: MailKind
    to: str
    values: Mapping[str, str]
    user_id: UUID | None = None
