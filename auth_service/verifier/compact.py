"""The compact form (RFC 7515 section 7.1), read strictly before any key is touched."""

import base64
import binascii
import re
from typing import Any, Final

from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict_json import parse_strict_json

MAXIMUM_TOKEN_BYTES: Final = 8192
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# To the alphabet that binascii reads; what only that one has is none of ours.
_ALPHABET: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
# By the length modulo four: what is left off, and the last characters that waste no bit. No
# encoder leaves one character over.
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (
    frozenset[str](),
    frozenset[str](),
    frozenset("AQgw"),
    frozenset("AEIMQUYcgkosw048"),
)


def split_compact(token: str) -> tuple[str, str, str]:
    """The three parts of a token that is small enough and has no stray character.

    Raises:
        InvalidTokenError: it does not have this form.
    """
    if len(token) > MAXIMUM_TOKEN_BYTES:
        raise InvalidTokenError("size")
    found = _COMPACT.fullmatch(token)
    if found is None:
        raise InvalidTokenError("form")
    header, payload, signature = found.groups()
    return header, payload, signature


def decode_part(part: str) -> bytes:
    """Base64url without padding, in its one canonical spelling (RFC 4648 section 3.5).

    Raises:
        InvalidTokenError: another spelling of the same bytes, or no base64url at all.
    """
    over = len(part) % 4
    if over and part[-1] not in _LAST[over]:
        raise InvalidTokenError("base64url")
    try:
        standard = part.encode("ascii").translate(_ALPHABET) + _PADDING[over]
        return binascii.a2b_base64(standard, strict_mode=True)
    except ValueError as fault:
        raise InvalidTokenError("base64url") from fault


def encode_part(data: bytes) -> str:
    """Base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_object(part: str) -> dict[str, Any]:
    """The JSON object in a part; no duplicate names (RFC 7515 section 4), nothing ambiguous.

    Raises:
        InvalidTokenError: it is something else.
    """
    try:
        found = parse_strict_json(decode_part(part))
    except ValueError as fault:
        raise InvalidTokenError("json") from fault
    if not isinstance(found, dict):
        raise InvalidTokenError("json")
    return found
