"""A mail server of the tests' own: a real one on the loopback, which can be made to fail.

async with mail_server() as mailbox:
    ...  # AUTH_MAIL_URL=mailbox.url
    mail = await mailbox.next_to("ada@example.com")
    assert mail.token
"""

import asyncio
import re
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SECONDS = 20
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class ReceivedMail:
    """A mail that the server took, read as a mail program reads it."""

    recipients: list[str]
    message: EmailMessage
    raw: bytes

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def link(self) -> str:
        """The one link of the text."""
        [link] = set(_LINK.findall(self.text))
        return str(link)

    @property
    def token(self) -> str:
        """The token in the fragment of that link."""
        return self.link.partition("#token=")[2]

    def _part(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        assert part is not None
        return str(part.get_content())


@dataclass
class Mailbox:
    """What the server took, and how it behaves; changes hold for the next command."""

    url: str = ""
    received: list[ReceivedMail] = field(default_factory=list)
    recipient_answers: dict[str, str] = field(default_factory=dict)
    sender_answer: str | None = None
    data_answers: list[str] = field(default_factory=list)
    stall: asyncio.Event | None = None
    die_after_data: int = 0
    tries: int = 0
    _taken: set[int] = field(default_factory=set)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def to(self, address: str) -> list[ReceivedMail]:
        """All mails to an address, the oldest first."""
        return [mail for mail in self.received if address in mail.recipients]

    async def next_to(self, address: str, *, seconds: float = SECONDS) -> ReceivedMail:
        """The oldest mail to an address that was not asked for yet; waits for it."""
        async with asyncio.timeout(seconds), self._arrived:
            while (found := self._next_to(address)) is None:
                await self._arrived.wait()
            return found

    async def until(self, count: int, *, seconds: float = SECONDS) -> None:
        """Wait until so many mails have arrived in all."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)

    def _next_to(self, address: str) -> ReceivedMail | None:
        for mail in self.to(address):
            if id(mail) not in self._taken:
                self._taken.add(id(mail))
                return mail
        return None

    # --- What aiosmtpd calls ---

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        if self.sender_answer is not None:
            return self.sender_answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self.stall is not None:
            await self.stall.wait()
        answer = self.recipient_answers.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.data_answers:
            return self.data_answers.pop(0)
        if self.die_after_data:
            self.die_after_data -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "451 gone"
        await self._take(envelope)
        return "250 OK"

    async def _take(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        async with self._arrived:
            self.received.append(ReceivedMail(list(envelope.rcpt_tos), message, envelope.content))
            self._arrived.notify_all()


@asynccontextmanager
async def mail_server(
    *,
    login: tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    implicit_tls: bool = False,
    smtputf8: bool = True,
) -> AsyncIterator[Mailbox]:
    """Run a mail server on a free port until the block ends."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a login goes over a connection in clear
            return SMTP(
                mailbox,
                hostname="mail.test",
                enable_SMTPUTF8=smtputf8,
                tls_context=None if implicit_tls else tls,
                auth_required=login is not None,
                auth_require_tls=False,
                authenticator=authenticate,
                loop=loop,
            )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if implicit_tls else None)
    port = server.sockets[0].getsockname()[1]
    mailbox.url = f"{'smtps' if implicit_tls else 'smtp'}://127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        if mailbox.stall is not None:
            mailbox.stall.set()
        server.close()
        await server.wait_closed()


def certificate_of_our_own(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a self-signed certificate for 127.0.0.1, and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context, certificate_file
