"""The way a message leaves."""

from email.message import EmailMessage
from typing import Protocol

from auth_service.mail.console import ConsoleTransport
from auth_service.mail.host import host_of
from auth_service.mail.smtp import SmtpTransport
from auth_service.mail_settings import SmtpServer
from auth_service.settings import Settings


class Transport(Protocol):
    """Something that takes messages."""

    async def send(self, message: EmailMessage) -> None:
        """Hand a message over; returns once it has been taken.

        Raises:
            MailRefused: it never will be.
            MailDelayed: not this time.
        """
        ...  # pragma: no cover - a protocol has no body


def transport_of(settings: Settings) -> Transport:
    """The transport that ``AUTH_MAIL_URL`` names."""
    if settings.mail_url.startswith("console:"):
        return ConsoleTransport()
    return SmtpTransport(SmtpServer.of(settings.mail_url), own_name=host_of(settings.issuer))
