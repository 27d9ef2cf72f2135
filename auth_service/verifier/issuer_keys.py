"""The issuer's keys: fetched when they are needed, kept while they can be, by one fetch at a time.

The core that synchronous and asynchronous callers share. It never waits: it hands out the keys, or
a future to wait for.
"""

import logging
import math
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from auth_service.verifier.cache import VerifiedTokens
from auth_service.verifier.errand import run_apart
from auth_service.verifier.errors import KeysUnavailableError
from auth_service.verifier.jwks import PublishedKeys
from auth_service.verifier.strict import PublicKey

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long keys are relied on; in seconds.

    There is at most one fetch in ``cooldown``, whatever happens. ``longest_staleness`` is how long
    keys serve while none can be fetched.
    """

    cooldown: float
    longest_staleness: float


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys that were published together, and the tokens verified with them.

    Times are of the monotonic clock. From ``stale_at`` on the keys are fetched anew while they
    serve, from ``waiting_at`` on before they serve, from ``dead_at`` on they serve no more.
    """

    keys: Mapping[str, PublicKey]
    etag: str | None
    ttl: float
    stale_at: float
    waiting_at: float
    dead_at: float
    verified: VerifiedTokens


class IssuerKeys:
    """The keys of one issuer. Safe to use from any number of threads and event loops."""

    def __init__(
        self,
        fetch: Callable[[str | None], Coroutine[Any, Any, PublishedKeys]],
        *,
        freshness: Freshness,
        cache_size: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._freshness = freshness
        self._cache_size = cache_size
        self._monotonic = monotonic
        # Reentrant: a fetch that cannot even start is settled on the spot.
        self._lock = threading.RLock()
        self._known: KeySet | None = None
        self._under_way: Future[None] | None = None
        self._process = os.getpid()
        self._next_fetch_at = -math.inf
        self._failure = "not tried yet"

    def find(self) -> KeySet | None:
        """The keys, if they can be used without waiting; old ones are fetched anew meanwhile."""
        known, now = self._known, self._monotonic()
        if known is None or now >= known.waiting_at:
            return None
        if now >= known.stale_at:
            self._fetch_if_due()
        return known

    def fetch_for(self, key_id: str) -> Future[None] | None:
        """What to wait for before a token under this key can be judged, if anything.

        The future has no result and never fails: whatever came of the fetch, ``get`` tells.
        """
        known = self._known
        if known and key_id in known.keys and self._monotonic() < known.waiting_at:
            return None
        return self._fetch_if_due()

    def get(self) -> KeySet:
        """The best keys there are.

        Raises:
            KeysUnavailableError: there are none, or only such as are too old.
        """
        known, now = self._known, self._monotonic()
        if known is None or now >= known.dead_at:
            wait = math.ceil(self._next_fetch_at - now)
            raise KeysUnavailableError(
                f"the issuer's keys cannot be fetched: {self._failure}", retry_after=max(wait, 1)
            )
        return known

    def _fetch_if_due(self) -> Future[None] | None:
        """The fetch that is under way or begins now; None during the cooldown."""
        with self._lock:
            if self._process != os.getpid():
                # After a fork: the thread that was fetching stayed with the parent.
                self._process, self._under_way = os.getpid(), None
            if self._under_way is None and self._monotonic() >= self._next_fetch_at:
                return self._begin_fetch(self._known)
            return self._under_way

    def _begin_fetch(self, known: KeySet | None) -> Future[None]:
        under_way: Future[None] = Future()
        under_way.set_running_or_notify_cancel()
        self._under_way = under_way
        fetched = run_apart(lambda: self._fetch(known.etag if known else None))
        fetched.add_done_callback(lambda done: self._settle(done, under_way))
        return under_way

    def _settle(self, fetched: Future[PublishedKeys], under_way: Future[None]) -> None:
        fault = fetched.exception()
        with self._lock:
            now = self._monotonic()
            if fault is None:
                self._known = self._renewed(fetched.result(), self._known, now)
            else:
                self._failure = str(fault) or type(fault).__name__
                self._known = _kept(self._known, now)
            self._under_way = None
            self._next_fetch_at = now + self._freshness.cooldown
        if fault is not None:
            _logger.warning("the issuer's keys could not be fetched: %s", self._failure)
        under_way.set_result(None)

    def _renewed(self, published: PublishedKeys, known: KeySet | None, now: float) -> KeySet:
        before = known.keys if known else {}
        keys = before if published.keys is None else published.keys
        dead_at = now + self._freshness.longest_staleness
        return KeySet(
            keys=keys,
            etag=published.etag,
            ttl=published.ttl,
            stale_at=now + published.ttl,
            waiting_at=min(now + 2 * published.ttl, dead_at),
            dead_at=dead_at,
            # One that is gone or replaced takes along every token remembered so far. What is being
            # verified with it right now is remembered with the old set, so nowhere.
            verified=known.verified
            if known and all(keys.get(key_id) == key for key_id, key in before.items())
            else VerifiedTokens(self._cache_size),
        )


def _kept(known: KeySet | None, now: float) -> KeySet | None:
    """The known keys after a fetch that failed: for a while, nobody waits for another one."""
    if known is None:
        return None
    patience = max(known.waiting_at, now + known.ttl)
    return replace(known, waiting_at=min(patience, known.dead_at))
