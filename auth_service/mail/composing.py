"""From a row of the outbox to the message that is sent (RFC 5322)."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from auth_service.core.emails import Email, InvalidEmailError
from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail.host import host_of
from auth_service.mail.message import MailKind
from auth_service.mail.payload import Payload
from auth_service.mail.templates import BrokenTemplateError, MailTemplates
from auth_service.mail_settings import sender_of
from auth_service.setting_sources import SettingsError
from auth_service.settings import Settings

# Every server takes it, whether or not it knows 8BITMIME (RFC 6152).
_POLICY: Final = SMTP.clone(cte_type="7bit")
_LONGEST_VALUE: Final = 1000


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes messages in the name of ``sender``; ``host`` is where their ids belong."""

    templates: MailTemplates
    sender: Address
    host: str

    @classmethod
    def of(cls, settings: Settings) -> "Composer":
        """A composer for ``AUTH_MAIL_FROM``, ``AUTH_MAIL_TEMPLATES`` and ``AUTH_BRAND_NAME``.

        Raises:
            SettingsError: the folder has a template that cannot be used.
        """
        templates = MailTemplates(brand=settings.brand_name, folder=settings.mail_templates)
        if settings.mail_templates is not None:
            # Ours are tested. Of these an operator should hear now, not when a reset gets lost.
            try:
                templates.check()
            except BrokenTemplateError as fault:
                raise SettingsError(f"AUTH_MAIL_TEMPLATES {fault}") from fault
        return cls(
            templates=templates,
            sender=sender_of(settings.mail_from),
            host=host_of(settings.issuer),
        )

    def compose(
        self, mail_id: UUID, kind: str, payload: Payload, *, written_at: datetime
    ) -> EmailMessage:
        """The message of a row; the same row always gives the same ``Date`` and ``Message-ID``.

        Raises:
            MailRefused: the recipient is not exactly one address.
            MailDelayed: this version does not know the kind (a newer one may be about to start).
            BrokenTemplateError: a template cannot be used.
        """
        words = self.templates.render(_known(kind), _plain(payload.values))
        message = EmailMessage(policy=_POLICY)
        message["From"] = self.sender
        message["To"] = _recipient(payload.to)
        message["Subject"] = _on_one_line(words.subject)
        message["Date"] = format_datetime(written_at)
        message["Message-ID"] = f"<{mail_id}@{self.host}>"
        # RFC 3834 section 5: no vacation notice comes back.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(words.text)
        message.add_alternative(words.html, subtype="html")
        return message


def _known(kind: str) -> MailKind:
    try:
        return MailKind(kind)
    except ValueError:
        raise MailDelayed("kind_unknown") from None


def _recipient(text: str) -> Address:
    """The one address that a text is, with its domain in ASCII (RFC 5890).

    So only a part before the @ that is not ASCII needs SMTPUTF8 (RFC 6531).
    """
    try:
        email = Email.parse(text)
    except InvalidEmailError:
        raise MailRefused("recipient_invalid") from None
    local_part, domain = email.address.rpartition("@")[0], email.key.rpartition("@")[2]
    return Address(username=local_part, domain=domain)


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    """Values that cannot start a new line or turn the direction of text, and have an end."""
    return {name: _on_one_line(value)[:_LONGEST_VALUE] for name, value in values.items()}


def _on_one_line(text: str) -> str:
    kept = (" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join("".join(kept).split())
