"""What a mail says, before it is put into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from uuid import UUID


class MailKind(StrEnum):
    """The mails that this service sends; each has templates of its name."""

    VERIFY_EMAIL = auto()
    PASSWORD_RESET = auto()
    PASSWORD_CHANGED = auto()
    EMAIL_CHANGE_CONFIRM = auto()
    EMAIL_CHANGE_NOTICE = auto()
    EMAIL_CHANGE_UNDONE = auto()
    REGISTRATION_ATTEMPT = auto()
    REFRESH_TOKEN_REUSED = auto()
    NEW_DEVICE = auto()
    ACCOUNT_DELETED = auto()
    HARD_STOP = auto()


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address; ``values`` are what its templates fill in.

    ``user_id`` is the account it is about: its unsent mails go when the account goes.
    """

    kind: MailKind
    to: str
    values: Mapping[str, str]
    user_id: UUID | None = None
