"""Messages for the tests of transports."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from auth_service.core.ids import new_id
from auth_service.mail.composing import Composer
from auth_service.mail.payload import Payload
from auth_service.mail.templates import MailTemplates
from tests.mail.stored_mail import mail_to

COMPOSER = Composer(
    templates=MailTemplates(brand="Example"),
    sender=Address("Example", addr_spec="accounts@example.com"),
    host="auth.example.com",
)
WRITTEN_AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def message_to(address: str = "ada@example.com", **changes: Any) -> EmailMessage:
    mail = mail_to(address, **changes)
    payload = Payload(mail.to, mail.values)
    return COMPOSER.compose(new_id(), mail.kind, payload, written_at=WRITTEN_AT)
