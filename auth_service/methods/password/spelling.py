"""When two passwords are the same: one normal form, and a looser one for comparing with lists."""

import unicodedata
from typing import Final

MAXIMUM_LENGTH: Final = 256
"""Code points a password may have, in normal form."""

MAXIMUM_TYPED: Final = 4 * MAXIMUM_LENGTH
"""Code points that can be typed for it: NFD is at most four times as long as NFC (UAX 15).

Anything longer is refused unread, because normalising takes time quadratic in the length.
"""


def normalized(password: str) -> str:
    """The password in NFC, else as typed: keyboards differ in how they compose a letter.

    NIST SP 800-63B-4 section 3.1.1.2.
    """
    return unicodedata.normalize("NFC", password)


def comparable(text: str) -> str:
    """The text without its case, for comparing a password with what it must not be."""
    return normalized(normalized(text).casefold())


def squashed(text: str) -> str:
    """The comparable text without spaces and punctuation."""
    return "".join(character for character in comparable(text) if character.isalnum())
