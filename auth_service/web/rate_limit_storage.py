"""Where rate limits keep their counts in this process; ``redis_storage`` keeps them in Redis.

The classes are storages of `limits`, so that slowapi builds and uses them like its own. They stand
in for those because `limits.storage.MemoryStorage` starts a thread per hit and sweeps all of its
keys every 10 ms, and `limits.storage.RedisStorage` needs a second trip to tell what remains: here
one question, ``ask``, both counts and tells.

Both keep an exact moving window: the times of the requests let through, so that no interval of the
window's length ever holds more than the limit. A request that is turned away leaves no trace, and
so prolongs nothing. Times are `time.time()`, as everywhere in `limits`: hosts that share a Redis
must share their time too.
"""

import threading
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, Protocol

from limits.storage import MovingWindowSupport, Storage

MEMORY_URI: Final = "bounded-memory://"


class Answer(NamedTuple):
    """Whether a request was let through, the time of the oldest in the window, how many it has."""

    admitted: bool
    oldest: float
    used: int


class WindowStorage(Protocol):
    """What both storages can do."""

    def ask(self, key: str, limit: int, expiry: int, amount: int = 1) -> Answer:
        """Count ``amount`` requests if the window of ``expiry`` seconds has room for them.

        An amount of 0 asks without counting.
        """


class BoundedMemoryStorage(Storage, MovingWindowSupport):
    """Moving windows in this process: exact, never more than ``max_keys``, without any thread.

    Windows of one length are kept in the order of their last request, which is the order they
    expire in: the expired are at the front, and so is whatever has to make room.
    """

    STORAGE_SCHEME: ClassVar[list[str]] = ["bounded-memory"]  # type: ignore[misc]

    def __init__(self, uri: str | None = None, *, max_keys: int = 100_000, **_: Any) -> None:  # noqa: ANN401 - limits passes on what it is given
        super().__init__(uri)
        self._max_keys = max_keys
        self._keys = 0
        self._lock = threading.Lock()
        self._windows: dict[int, OrderedDict[str, array[float]]] = {}

    def __len__(self) -> int:
        """How many keys are kept."""
        return self._keys

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing outside this process can fail."""
        return ()

    def ask(self, key: str, limit: int, expiry: int, amount: int = 1) -> Answer:
        """Count ``amount`` requests if the window of ``expiry`` seconds has room for them."""
        with self._lock:
            now = time.time()
            same_length = self._windows.get(expiry)
            times = same_length.get(key) if same_length is not None else None
            expired = bisect_right(times, now - expiry) if times else 0
            count = len(times) - expired if times else 0
            oldest = times[expired] if times and count else now
            if count + amount > limit:
                return Answer(False, oldest, count)  # noqa: FBT003 - a plain tuple, and quick
            if amount:
                self._add(key, expiry, now, amount, expired)
            return Answer(True, oldest, count + amount)  # noqa: FBT003 - a plain tuple, and quick

    def _add(self, key: str, expiry: int, now: float, amount: int, expired: int) -> None:
        same_length = self._windows.setdefault(expiry, OrderedDict())
        times = same_length.get(key)
        if times is None:
            self._make_room(now)
            self._keys += 1
            times = same_length[key] = array("d")
        if expired * 2 >= len(times):  # half of them at once: constant time per request
            del times[:expired]
        # A clock that was set back must not unsort the times.
        latest = max(now, times[-1]) if times else now
        for _ in range(amount):
            times.append(latest)
        same_length.move_to_end(key)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether ``amount`` requests were let through, and counted."""
        return self.ask(key, limit, expiry, amount).admitted

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the oldest request in the window, and how many there are."""
        return self.ask(key, limit, expiry, 0)[1:]

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            for same_length in self._windows.values():
                self._keys -= same_length.pop(key, None) is not None

    def reset(self) -> int:
        """Forget everything; returns how many keys that were."""
        with self._lock:
            forgotten, self._keys = self._keys, 0
            self._windows.clear()
            return forgotten

    def check(self) -> bool:
        """Always well."""
        return True

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError("a fixed window lets twice its limit through around its edge")

    incr = get = get_expiry = _refuse

    def _make_room(self, now: float) -> None:
        """Drop up to two expired keys of each length, and, when full, the next to expire.

        Two, so that no request pays for all that came before it and yet the expired get fewer.
        """
        for expiry, same_length in self._windows.items():
            for _ in range(2):
                if same_length and _last(same_length) <= now - expiry:
                    self._drop_oldest(same_length)
        if self._keys >= self._max_keys:
            occupied = {expiry: kept for expiry, kept in self._windows.items() if kept}
            soonest = min(occupied, key=lambda expiry: _last(occupied[expiry]) + expiry)
            self._drop_oldest(occupied[soonest])

    def _drop_oldest(self, same_length: OrderedDict[str, "array[float]"]) -> None:
        same_length.popitem(last=False)
        self._keys -= 1


def _last(same_length: OrderedDict[str, "array[float]"]) -> float:
    return same_length[next(iter(same_length))][-1]
