"""When a signing key is published, signs, stops signing, and goes.

A validator may hold the JWK Set for as long as its ``max-age`` says, and a worker may learn of a
change a little late (the *notice*). So a key is published for both of these before it signs, and
after it has stopped it stays published until the last token it signed has expired. Nobody who
keeps to the JWK Set's ``max-age`` ever meets a token under a key they cannot have. (OpenID Connect
Core section 10.1.1 asks for the overlap and leaves its length open.)
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auth_service.settings import Settings
from auth_service.tokens.signing_key import KeyState, StoredKey


@dataclass(frozen=True, slots=True)
class DueChanges:
    """What has to be written: a key of this state made, keys changed, keys deleted."""

    wanted: KeyState | None
    changed: tuple[StoredKey, ...]
    withdrawn: tuple[StoredKey, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.wanted is not None or bool(self.changed) or bool(self.withdrawn)


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """The life of the keys of one algorithm; decides, and writes nothing itself."""

    algorithm: str
    interval: timedelta
    cache_ttl: timedelta
    notice: timedelta
    token_ttl: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "KeySchedule":
        """The schedule that the settings describe."""
        return cls(
            algorithm=settings.jwt_algorithm.value,
            interval=settings.key_rotation_interval,
            cache_ttl=settings.jwks_cache_ttl,
            notice=settings.key_check_interval * 2,
            token_ttl=settings.access_token_ttl,
        )

    def due(self, keys: Iterable[StoredKey], now: datetime) -> DueChanges:
        """What time has made necessary; nothing, mostly."""
        stored = list(keys)
        active, following = self.find(stored, "active"), self.find(stored, "next")
        return DueChanges(
            wanted=self._wanted(active, following, now),
            changed=tuple(self._changed(active, following, now)),
            withdrawn=tuple(key for key in stored if _is_over(key, now)),
        )

    def find(self, keys: Sequence[StoredKey], state: KeyState) -> StoredKey | None:
        """The key in this state; there is one at most, of those that are active or next."""
        return next(
            (key for key in keys if key.state == state and key.algorithm == self.algorithm), None
        )

    def made(self, key: StoredKey, state: KeyState) -> StoredKey:
        """A key just made, in its state: the first one signs at once, a next one after the wait."""
        wait = self.cache_ttl + self.notice if state == "next" else timedelta(0)
        return replace(
            key,
            state=state,
            signs_from=key.created_at + wait,
            token_seconds=self._token_seconds,
        )

    def published(self, keys: Iterable[StoredKey], now: datetime) -> list[StoredKey]:
        """The keys of this algorithm that tokens may be verified with."""
        return [key for key in keys if key.algorithm == self.algorithm and not _is_over(key, now)]

    def retired(self, key: StoredKey, now: datetime) -> StoredKey:
        """The key as it is once it no longer signs: published until its last token has expired.

        Another worker may go on signing with it for as long as the notice.
        """
        lifetime = max(timedelta(seconds=key.token_seconds), self.token_ttl)
        until = now + self.notice + lifetime
        return replace(key, state="retired", retired_at=now, published_until=until)

    @property
    def _token_seconds(self) -> int:
        return math.ceil(self.token_ttl.total_seconds())

    def _wanted(
        self, active: StoredKey | None, following: StoredKey | None, now: datetime
    ) -> KeyState | None:
        if following is not None:
            return None
        if active is None:
            return "active"
        return "next" if now >= active.signs_from + self.interval else None

    def _changed(
        self, active: StoredKey | None, following: StoredKey | None, now: datetime
    ) -> Iterator[StoredKey]:
        if following is not None and (active is None or now >= following.signs_from):
            if active is not None:
                yield self.retired(active, now)
            yield replace(
                following, state="active", signs_from=now, token_seconds=self._token_seconds
            )
        elif active is not None and active.token_seconds < self._token_seconds:
            # Noted before such a token is signed, so that the key is kept for as long as it lives.
            yield replace(active, token_seconds=self._token_seconds)


def _is_over(key: StoredKey, now: datetime) -> bool:
    return key.published_until is not None and now >= key.published_until
