"""The latest mails, readable: for a developer who has no mail server."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.db.session import Database
from auth_service.mail import repository
from auth_service.mail.composing import Composer
from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail.payload import Payload
from auth_service.mail.repository import ReadableMail
from auth_service.mail.templates import BrokenTemplateError

_LATEST: Final = 50


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail as its recipient reads it, and where it stands."""

    written_at: datetime
    to: str
    subject: str
    text: str
    state: str


class DevelopmentMailbox:
    """Reads mails from the outbox, whatever transport they take.

    Only those that wait, and in development those sent within the last hour: everywhere else a
    payload is erased when its mail leaves.
    """

    def __init__(self, *, database: Database, keyring: Keyring, composer: Composer) -> None:
        self._database = database
        self._keyring = keyring
        self._composer = composer

    async def list_latest(self) -> list[ShownMail]:
        """The latest 50 mails that can still be read, the newest first.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        found = await repository.list_readable(self._database, limit=_LATEST)
        return await asyncio.to_thread(lambda: [self._shown(mail) for mail in found])

    def _shown(self, mail: ReadableMail) -> ShownMail:
        state = "sent" if mail.sent_at else f"waiting ({mail.last_error or 'not tried yet'})"
        try:
            payload = Payload.opened(mail.payload, self._keyring, mail.id)
            message = self._composer.compose(
                mail.id, mail.kind, payload, written_at=mail.created_at
            )
        except (UndecryptableError, MailRefused, MailDelayed, BrokenTemplateError) as fault:
            return ShownMail(mail.created_at, "", mail.kind, f"cannot be read: {fault}", state)
        text = message.get_body(("plain",))
        words = "" if text is None else text.get_content()
        return ShownMail(mail.created_at, str(message["To"]), str(message["Subject"]), words, state)
