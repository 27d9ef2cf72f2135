"""A bounded memory of tokens that have already been verified.

A signature takes most of a hundred microseconds to check, and a client sends the same token many
times. What is remembered never outlives the token, and is dropped whole when a key is removed.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final

from auth_service.verifier.claims import AccessClaims

DEFAULT_SIZE: Final = 4096
# Threads read the clock at slightly different times; a clock that was put back, it is not.
_JITTER_SECONDS: Final = 1


class VerifiedTokens:
    """Remembers the most recently used tokens, at most ``size`` of them.

    Safe to use from any number of threads. Where the clock is put forward, what it thereby expires
    is forgotten; where it is put back, everything is, for a token from the future is not valid yet.
    """

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self._size = size
        self._claims: OrderedDict[str, AccessClaims] = OrderedDict()
        self._latest = 0.0
        self._lock = Lock()

    def find(self, token: str, now: float) -> AccessClaims | None:
        """The claims of a token verified before and still valid now."""
        with self._lock:
            if now < self._latest - _JITTER_SECONDS:
                self._claims.clear()
            self._latest = now
            claims = self._claims.get(token)
            if claims is None:
                return None
            if claims.expires_at <= now:
                del self._claims[token]
                return None
            self._claims.move_to_end(token)
            return claims

    def remember(self, token: str, claims: AccessClaims) -> None:
        """Keep what a verified token says; the least recently used one makes room."""
        with self._lock:
            self._claims[token] = claims
            if len(self._claims) > self._size:
                self._claims.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: a key these may have been signed with is gone."""
        with self._lock:
            self._claims.clear()
