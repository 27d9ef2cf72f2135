"""The refresh token: ``rt_`` and base64url of (session id, counter, MAC).

A copy of the database lacks the secret, whoever has the secret lacks the salt in the session's
row, and both are in the MAC's key: neither alone forges a token. No row per token is needed,
since the session's counter says which token is the next good one.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final, NewType
from uuid import UUID

from auth_service.core.secrets import Keyring
from auth_service.sessions.errors import InvalidRefreshToken

RawRefreshToken = NewType("RawRefreshToken", str)
"""A refresh token as the client holds it: never stored, never logged."""

SALT_BYTES: Final = 32
_PURPOSE: Final = "refresh-token"
_PREFIX: Final = "rt_"
_ID_BYTES: Final = 16
# With a MAC of 32 bytes the whole is 54, which base64url spells in exactly one way: no padding,
# no spare bits.
_COUNTER_BYTES: Final = 6
_TOKEN: Final = re.compile(r"rt_([A-Za-z0-9_-]{72})")


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """What a refresh token says, before its MAC has been checked."""

    session_id: UUID
    counter: int
    mac: bytes

    def is_authentic(self, keyring: Keyring, salt: bytes) -> bool:
        """Whether this service made the token for this session."""
        message = _message(self.session_id, self.counter)
        return keyring.verifies(_PURPOSE, message, self.mac, salt=salt)


def make(session_id: UUID, counter: int, keyring: Keyring, salt: bytes) -> RawRefreshToken:
    """The token of a session's counter: the same each time it is made."""
    message = _message(session_id, counter)
    mac = keyring.mac(_PURPOSE, message, salt=salt)
    return RawRefreshToken(_PREFIX + base64.urlsafe_b64encode(message + mac).decode("ascii"))


def read(token: str) -> RefreshClaim:
    """What a token claims.

    Raises:
        InvalidRefreshToken: it does not have the form of one.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise InvalidRefreshToken
    data = base64.urlsafe_b64decode(found[1])
    counter_end = _ID_BYTES + _COUNTER_BYTES
    return RefreshClaim(
        session_id=UUID(bytes=data[:_ID_BYTES]),
        counter=int.from_bytes(data[_ID_BYTES:counter_end], "big"),
        mac=data[counter_end:],
    )


def _message(session_id: UUID, counter: int) -> bytes:
    return session_id.bytes + counter.to_bytes(_COUNTER_BYTES, "big")
