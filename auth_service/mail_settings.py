"""The settings of mail: where it goes, whom it is from, and how their text is read."""

import re
import unicodedata
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import Enum, auto
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, parse_qsl, unquote

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

from auth_service.setting_types import has_valid_port, parts_of

_WITH_NAME: Final = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>\s*")
_LONGEST_NAME: Final = 100


class Encryption(Enum):
    """How the connection to the mail server is protected."""

    NONE = auto()
    STARTTLS = auto()  # RFC 3207
    TLS = auto()  # RFC 8314, from the first byte


_DEFAULT_PORTS: Final = {Encryption.NONE: 25, Encryption.STARTTLS: 587, Encryption.TLS: 465}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server that takes mail, and who we are to it."""

    host: str
    port: int
    encryption: Encryption
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """The server that an ``smtp://`` or ``smtps://`` URL names.

        Raises:
            ValueError: it names none; the message repeats no part of the URL.
        """
        parts = parts_of(url)
        if not has_valid_port(url) or parts.port == 0:
            raise ValueError("must have a number from 1 to 65535 as its port")
        if not parts.hostname or parts.path not in {"", "/"} or parts.fragment:
            raise ValueError("must name the server alone, such as smtp://mail.example.com:587")
        if bool(parts.username) != bool(parts.password):
            raise ValueError("must have a user and a password, or neither (percent-encoded)")
        encryption = _encryption(parts)
        return cls(
            host=parts.hostname,
            port=parts.port or _DEFAULT_PORTS[encryption],
            encryption=encryption,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


def sender_of(text: str) -> Address:
    """The address of a sender, with the name that people see where it has one.

    Raises:
        ValueError: it is none, or could be read as more than one.
    """
    found = _WITH_NAME.fullmatch(text)
    name, address = (found["name"].strip('"'), found["address"]) if found else ("", text.strip())
    if _has_control_characters(text) or "<" in address:
        raise ValueError("must be an address, or a name and an address: Example <a@example.com>")
    return Address(name, addr_spec=_ascii_address(address))


def _ascii_address(text: str) -> str:
    local_part, at, domain = text.rpartition("@")
    if at and domain == "localhost":
        # No address of the internet, yet what a newcomer's console shows.
        return f"{_ascii_address(f'{local_part}@example.com').partition('@')[0]}@localhost"
    try:
        found = validate_email(
            text, check_deliverability=False, globally_deliverable=False, test_environment=True
        )
    except EmailNotValidError:
        raise ValueError("must have a valid address") from None
    if found.ascii_email is None:
        raise ValueError("must have an address whose part before the @ is ASCII")
    return found.ascii_email


def _encryption(parts: SplitResult) -> Encryption:
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme == "smtps":
        if options:
            raise ValueError("must have no options: smtps:// is encrypted from the first byte")
        return Encryption.TLS
    match options:
        case [] | [("starttls", "false")]:
            return Encryption.NONE
        case [("starttls", "true")]:
            return Encryption.STARTTLS
    raise ValueError("must have no other option than starttls=true")


def _mail_url(value: str) -> str:
    parts = parts_of(value)
    if parts.scheme in {"smtp", "smtps"}:
        SmtpServer.of(value)
    elif parts.scheme != "console":
        raise ValueError("must start with console://, smtp:// or smtps://")
    elif parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError("must be nothing but console:// to print mails")
    return value


def _mail_from(value: str) -> str:
    sender_of(value)
    return value


def _brand_name(value: str) -> str:
    name = value.strip()
    if not name or len(name) > _LONGEST_NAME or _has_control_characters(name):
        raise ValueError(f"must be a name of 1 to {_LONGEST_NAME} characters on one line")
    return name


def _has_control_characters(text: str) -> bool:
    return any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text)


def _folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("must be a folder that exists")
    return value


MailUrl = Annotated[str, AfterValidator(_mail_url)]
MailFrom = Annotated[str, AfterValidator(_mail_from)]
BrandName = Annotated[str, AfterValidator(_brand_name)]
OptionalFolder = Annotated[Path, AfterValidator(_folder)] | None
