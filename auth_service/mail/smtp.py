"""Mail over SMTP (RFC 5321), by aiosmtplib."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

from auth_service.mail.errors import MailDelayed, MailRefused
from auth_service.mail_settings import Encryption, SmtpServer

_PERMANENT: Final = 500
# Authentication is wanted, too weak, wrong or not to be had without encryption (RFC 4954 section
# 6): that says something about our settings and nothing about the recipient.
_ABOUT_US: Final = {530, 534, 535, 538}


@dataclass(frozen=True, slots=True)
class SmtpPatience:
    """Seconds that are waited: for each answer, for everything together, for a farewell."""

    answer: float = 20
    whole: float = 60
    farewell: float = 2


class SmtpTransport:
    """Hands messages to a mail server, on a new connection each.

    Certificates are verified, against the system's authorities (or ``SSL_CERT_FILE``). A server
    that does not offer the encryption that was asked for gets neither password nor message.
    """

    def __init__(
        self, server: SmtpServer, *, own_name: str, patience: SmtpPatience | None = None
    ) -> None:
        self._server = server
        self._own_name = own_name
        self._patience = patience or SmtpPatience()
        self._tls_context: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage) -> None:
        """Hand a message over; returns once the server has taken it.

        Raises:
            MailRefused: the server will never take it.
            MailDelayed: not this time, or not with these settings.
        """
        client = await self._new_client()
        try:
            async with asyncio.timeout(self._patience.whole):
                await self._greet(client)
                await _hand_over(client, message)
            with suppress(SMTPException, OSError):  # taken is taken, however they part
                await client.quit(timeout=self._patience.farewell)
        except TimeoutError as fault:
            raise MailDelayed("timeout") from fault
        except OSError as fault:
            raise MailDelayed(_lost_by(fault)) from fault
        except SMTPException as fault:
            raise MailDelayed("server_error") from fault
        finally:
            client.close()

    async def _new_client(self) -> SMTP:
        if self._tls_context is None:
            # Reads the system's authorities, which takes a while, so not on the event loop.
            self._tls_context = await asyncio.to_thread(ssl.create_default_context)
        return SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.encryption is Encryption.TLS,
            # Never left to aiosmtplib, which goes on without where a server offers none.
            start_tls=False,
            local_hostname=self._own_name,
            tls_context=self._tls_context,
            timeout=self._patience.answer,
        )

    async def _greet(self, client: SMTP) -> None:
        """Connect, encrypt and log in, or stop: nothing is said to a server that falls short."""
        await client.connect()
        if self._server.encryption is Encryption.STARTTLS:
            await client.ehlo()
            if not client.supports_extension("starttls"):
                raise MailDelayed("starttls_unsupported")
            await client.starttls()
        if self._server.username is not None and self._server.password is not None:
            try:
                await client.login(self._server.username, self._server.password)
            except OSError:
                raise
            except SMTPException as fault:
                raise MailDelayed("login_refused") from fault


async def _hand_over(client: SMTP, message: EmailMessage) -> None:
    [sender] = message["From"].addresses
    [recipient] = message["To"].addresses
    try:
        await client.send_message(
            message, sender=sender.addr_spec, recipients=[recipient.addr_spec]
        )
    except SMTPNotSupported as fault:
        raise MailRefused("smtputf8_unsupported") from fault
    except SMTPSenderRefused as fault:
        raise MailDelayed("sender_refused") from fault
    except SMTPRecipientsRefused as fault:
        raise _refusal("recipient", fault.recipients[0].code) from fault
    except SMTPDataError as fault:
        raise _refusal("message", fault.code) from fault


def _refusal(what: str, code: int) -> MailRefused | MailDelayed:
    if code < _PERMANENT or code in _ABOUT_US:
        return MailDelayed(f"{what}_delayed")
    return MailRefused(f"{what}_refused")


def _lost_by(fault: OSError) -> str:
    """What an operator has to look at: the certificate, or the line."""
    causes = (fault, fault.__cause__)
    return "tls_failed" if any(isinstance(c, ssl.SSLError) for c in causes) else "connection_lost"
