"""E-mail addresses: how one is read, and when two of them are the same."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from email_validator import EmailNotValidError, validate_email

MAXIMUM_LENGTH: Final = 320
_MAXIMUM_LOCAL_PART: Final = 64  # octets (RFC 5321 section 4.5.3.1.1)
_NOT_AN_ADDRESS: Final = "This is not a valid e-mail address."


class InvalidEmailError(ValueError):
    """The text is no e-mail address; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class Email:
    """An address: ``address`` as it is shown and written to, ``key`` as it is compared.

    Case, surrounding space and Unicode spelling (NFC, IDNA) do not make another account, so all of
    them share one ``key``. What mail servers keep apart, such as ``ß`` and ``ss`` or a full-width
    letter and a plain one, are two people's mailboxes, and two keys; see
    docs/decisions/0016-addresses-are-compared-as-mail-servers-do.md.
    """

    address: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "Email":
        """Read an address as typed.

        Raises:
            InvalidEmailError: it is none (RFC 5321 and 6531 syntax, by email-validator).
        """
        if len(text) > MAXIMUM_LENGTH:
            raise InvalidEmailError(_NOT_AN_ADDRESS)
        try:
            # `.test` (RFC 6761) is let through: nothing is ever delivered there, and test
            # suites of the services around this one need addresses.
            found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
        except EmailNotValidError as fault:
            # The library's own message quotes what was typed; ours never does.
            raise InvalidEmailError(_NOT_AN_ADDRESS) from fault
        email = cls(address=found.normalized, key=_key(found.local_part, found.ascii_domain))
        # What was short as typed may not be any more: a small letter can take more than its
        # capital.
        if (
            max(len(email.address), len(email.key)) > MAXIMUM_LENGTH
            or len(found.local_part.encode()) > _MAXIMUM_LOCAL_PART
        ):
            raise InvalidEmailError(_NOT_AN_ADDRESS)
        return email


def key_prefix(text: str) -> str:
    """The beginning of the keys of all addresses that begin with what was typed."""
    try:
        return Email.parse(text).key
    except InvalidEmailError:
        local_part, at, domain = text.strip().partition("@")
        folded = _key(local_part, domain)
        return folded if at else folded.removesuffix("@")


def _key(local_part: str, ascii_domain: str) -> str:
    lower = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local_part).lower())
    return f"{lower}@{ascii_domain.lower()}"
