"""What a mail says, before it is put into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final
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
    ACCOUNT_CLOSED = auto()
    ACCOUNT_CLOSED_UNDO = auto()
    HARD_STOP = auto()
    PASSWORD_BREACHED = auto()
    ACCOUNT_CREATED = auto()
    PASSWORD_VOIDED = auto()
    WEBHOOK_DISABLED = auto()


_LINK: Final = ("link", "valid_for")
_FACTS: Final = ("at", "device", "ip")
_ADDRESSES: Final = ("old_email", "new_email")

VALUES: Final[Mapping[MailKind, tuple[str, ...]]] = {
    MailKind.VERIFY_EMAIL: _LINK,
    MailKind.PASSWORD_RESET: _LINK,
    MailKind.PASSWORD_CHANGED: _FACTS,
    MailKind.EMAIL_CHANGE_CONFIRM: (*_LINK, "new_email"),
    MailKind.EMAIL_CHANGE_NOTICE: _LINK + _ADDRESSES + _FACTS,
    MailKind.EMAIL_CHANGE_UNDONE: (*_LINK, "old_email"),
    MailKind.REGISTRATION_ATTEMPT: ("link",),
    MailKind.REFRESH_TOKEN_REUSED: _FACTS,
    MailKind.NEW_DEVICE: _FACTS,
    MailKind.ACCOUNT_DELETED: _FACTS,
    MailKind.ACCOUNT_CLOSED: ("deleted_at", *_FACTS),
    MailKind.ACCOUNT_CLOSED_UNDO: (*_LINK, "old_email", *_FACTS),
    MailKind.HARD_STOP: _FACTS,
    MailKind.PASSWORD_BREACHED: _FACTS,
    MailKind.ACCOUNT_CREATED: _LINK,
    MailKind.PASSWORD_VOIDED: _LINK,
    MailKind.WEBHOOK_DISABLED: ("webhook_id", "host", "since"),
}
"""What each kind's templates may ask for, and so what a mail of it has to bring.

``valid_for`` is such as "30 minutes", ``at`` a time in UTC as people write it, ``device`` and
``ip`` may be "unknown".
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address; ``values`` are what its templates fill in, those of ``VALUES``.

    ``user_id`` is the account it is about: its unsent mails go when the account goes.
    """

    kind: MailKind
    to: str
    values: Mapping[str, str]
    user_id: UUID | None = None
