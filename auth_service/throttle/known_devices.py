"""Device cookies: what tells an owner's own browser from a stranger's.

OWASP, "Slow Down Online Guessing Attacks with Device Cookies". A browser keeps one cookie, which
has an entry for each account that it logged in to, the latest first. An entry proves a past login
and nothing else: it authenticates nobody.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.secrets import Keyring

DEVICE_TTL: Final = timedelta(days=400)
"""How long a device is known after its last login: as long as browsers keep a cookie at most."""
MOST_ACCOUNTS: Final = 5
MAXIMUM_LENGTH: Final = 512
_PURPOSE: Final = "device-cookie"
_SEPARATOR: Final = "."
_ID_BYTES: Final = 16
_TIME_BYTES: Final = 4
_MESSAGE_BYTES: Final = _ID_BYTES + _TIME_BYTES
_ENTRY_BYTES: Final = _MESSAGE_BYTES + 32


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    message: bytes
    tag: bytes

    @property
    def device_id(self) -> bytes:
        return self.message[:_ID_BYTES]

    @property
    def seconds(self) -> int:
        return int.from_bytes(self.message[_ID_BYTES:])


class KnownDevices:
    """Makes and reads device cookies. Nothing is stored: an entry carries its own proof."""

    def __init__(self, *, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock

    def find(self, cookie: str | None, user_id: UUID) -> str | None:
        """The id of a device that logged in to this account before; None for any other."""
        own = self._find_own(cookie, user_id)
        return None if own is None else own.device_id.hex()

    def remember(self, cookie: str | None, user_id: UUID) -> str:
        """The cookie's next value, after a login to this account.

        A device that is known keeps its id, and with it what is left of its tries.
        """
        own = self._find_own(cookie, user_id)
        device_id = own.device_id if own else secrets.token_bytes(_ID_BYTES)
        message = device_id + self._now().to_bytes(_TIME_BYTES)
        tag = self._keyring.mac(_PURPOSE, user_id.bytes + message)
        latest = urlsafe_b64encode(message + tag).decode().rstrip("=")
        others = [entry.text for entry in _entries(cookie) if entry != own]
        return _SEPARATOR.join([latest, *others][:MOST_ACCOUNTS])

    def _find_own(self, cookie: str | None, user_id: UUID) -> _Entry | None:
        oldest = self._now() - int(DEVICE_TTL.total_seconds())
        for entry in _entries(cookie):
            if entry.seconds >= oldest and self._keyring.verifies(
                _PURPOSE, user_id.bytes + entry.message, entry.tag
            ):
                return entry
        return None

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _entries(cookie: str | None) -> Iterator[_Entry]:
    if not cookie or len(cookie) > MAXIMUM_LENGTH:
        return
    for text in cookie.split(_SEPARATOR)[:MOST_ACCOUNTS]:
        try:
            entry = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (NotBase64Error, ValueError):
            continue
        if len(entry) == _ENTRY_BYTES:
            yield _Entry(text, entry[:_MESSAGE_BYTES], entry[_MESSAGE_BYTES:])
