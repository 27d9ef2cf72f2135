"""How a mail leaves: to a server by SMTP (RFC 5321), or to the console."""

import sys
from email.message import EmailMessage
from enum import Enum
from typing import Final, Protocol, TextIO

import aiosmtplib

from auth_service.mail_url import MailServer

_TIMEOUT_SECONDS: Final = 10
_PERMANENT: Final = range(500, 600)


class Delivery(Enum):
    """What became of a try to send."""

    SENT = "sent"
    LATER = "later"
    NEVER = "never"


class Transport(Protocol):
    """Something that sends mail."""

    async def send(self, message: EmailMessage, to: str) -> tuple[Delivery, str]:
        """Try to send to one recipient; what became of it, and a short code for the log."""
        ...  # pragma: no cover - a protocol has no body


class ConsoleTransport:
    """Prints the mail, for whoever tries the service: headers that matter, and the text."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    async def send(self, message: EmailMessage, to: str) -> tuple[Delivery, str]:
        """Print it."""
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        lines = [f"To: {to}", f"Subject: {message['Subject']}", "", *text.rstrip().splitlines()]
        frame = "-" * 72
        shown = "\n".join(["", f"{frame}", "Mail (AUTH_MAIL_URL=console://):", *lines, frame, ""])
        print(shown, file=self._out or sys.stdout, flush=True)
        return Delivery.SENT, "printed"


class SmtpTransport:
    """Sends by SMTP; each mail over a connection of its own, each step within ten seconds."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(self, message: EmailMessage, to: str) -> tuple[Delivery, str]:
        """Send to one recipient; what the server refuses for good is not tried again."""
        server = self._server
        try:
            async with aiosmtplib.SMTP(
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.scheme == "smtps",
                start_tls=server.starttls,
                timeout=_TIMEOUT_SECONDS,
            ) as smtp:
                await smtp.send_message(message, recipients=[to])
        except aiosmtplib.SMTPRecipientsRefused as fault:
            return _judged(fault.recipients[0].code)
        except aiosmtplib.SMTPNotSupported:
            return Delivery.NEVER, "address_not_supported"
        except aiosmtplib.SMTPAuthenticationError:
            return Delivery.LATER, "authentication_refused"
        except aiosmtplib.SMTPResponseException as fault:
            return _judged(fault.code)
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            return Delivery.LATER, type(fault).__name__[:32]
        return Delivery.SENT, "accepted"


def transport_for(server: MailServer) -> Transport:
    """The transport that ``AUTH_MAIL_URL`` asks for."""
    return ConsoleTransport() if server.scheme == "console" else SmtpTransport(server)


def _judged(code: int) -> tuple[Delivery, str]:
    """What a reply code means (RFC 5321 section 4.2.1): 5 as its first digit is for good."""
    return (Delivery.NEVER if code in _PERMANENT else Delivery.LATER), f"refused_{code}"
