"""Where rate limits keep their counts: in this process, or in Redis.

The classes are storages of `limits`, so that slowapi builds and uses them like its own. They stand
in for those because `limits.storage.MemoryStorage` starts a thread per hit and sweeps all of its
keys every 10 ms, and `limits.storage.RedisStorage` needs a second trip to tell what remains.

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
from typing import Any, ClassVar, Final, NoReturn

from limits.storage import MovingWindowSupport, RedisStorage, Storage
from redis.backoff import NoBackoff
from redis.retry import Retry

MEMORY_URI: Final = "bounded-memory://"
ONE_TRIP_PREFIX: Final = "one-trip+"


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

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` requests if the window of ``expiry`` seconds has room for them."""
        with self._lock:
            now = time.time()
            same_length = self._windows.setdefault(expiry, OrderedDict())
            times = same_length.get(key, array("d"))
            expired = bisect_right(times, now - expiry)
            if len(times) - expired + amount > limit:
                return False
            if expired * 2 >= len(times):  # half of them at once: constant time per request
                del times[:expired]
            if key not in same_length:
                self._make_room(now)
                self._keys += 1
            # A clock that was set back must not unsort the times.
            times.extend([max(now, times[-1]) if times else now] * amount)
            same_length[key] = times
            same_length.move_to_end(key)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the interface's
        """The time of the oldest request in the window, and how many there are."""
        with self._lock:
            now = time.time()
            times = self._windows.get(expiry, OrderedDict()).get(key, array("d"))
            expired = bisect_right(times, now - expiry)
            return (times[expired], len(times) - expired) if expired < len(times) else (now, 0)

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


class OneTripRedisStorage(RedisStorage):
    """Moving windows in Redis, where one script both counts and tells what remains.

    `limits` asks twice, first whether a request is let through and then about its window. The
    answer to the first carries that to the second, which takes it if it is the same thread's next
    question about the same key.
    """

    STORAGE_SCHEME: ClassVar[list[str]] = [  # type: ignore[misc]
        f"{ONE_TRIP_PREFIX}{scheme}" for scheme in ("redis", "rediss", "unix")
    ]

    # The list is newest first, as in `limits`. It never holds more than the limit, and each entry
    # leaves it once. An amount of 0 asks without counting.
    SCRIPT_ACQUIRE_MOVING_WINDOW = b"""
        local now, limit, expiry, amount =
            tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        local oldest = redis.call('lindex', KEYS[1], -1)
        while oldest and tonumber(oldest) <= now - expiry do
            redis.call('rpop', KEYS[1])
            oldest = redis.call('lindex', KEYS[1], -1)
        end
        local count = redis.call('llen', KEYS[1])
        if count + amount > limit then
            return {0, oldest or ARGV[1], count}
        end
        for _ = 1, amount do
            redis.call('lpush', KEYS[1], ARGV[1])
            redis.call('expire', KEYS[1], expiry)
        end
        return {1, oldest or ARGV[1], count + amount}
    """

    def __init__(self, uri: str, **options: Any) -> None:  # noqa: ANN401 - redis-py's options
        self._answered = threading.local()
        super().__init__(uri.removeprefix(ONE_TRIP_PREFIX), **options)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` requests if the window of ``expiry`` seconds has room for them."""
        acquired, start, count = self._window(key, limit, expiry, amount)
        self._answered.window = key, start, count
        return acquired

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the oldest request in the window, and how many there are."""
        answered, self._answered.window = getattr(self._answered, "window", None), None
        if answered is not None and answered[0] == key:
            return answered[1], answered[2]
        return self._window(key, limit, expiry, 0)[1:]

    def ping(self) -> None:
        """Do what a request does; raises what a request would.

        A `PING` is answered also by a Redis that is full or was made a replica, and counts nothing.
        """
        self.acquire_entry("probe", limit=1000, expiry=1)

    def close(self) -> None:
        """Close the connections that no thread is using; those close when they are done with."""
        self.storage.connection_pool.disconnect(inuse_connections=False)

    def _window(self, key: str, limit: int, expiry: int, amount: int) -> tuple[bool, float, int]:
        acquired, start, count = self.lua_acquire_moving_window(
            [self.prefixed_key(key)], [time.time(), limit, expiry, amount]
        )
        return bool(acquired), float(start), int(count)


def redis_options(timeout: float) -> dict[str, Any]:
    """What redis-py is given: ``timeout`` seconds a trip, no retry, no needless handshake."""
    return {
        "key_prefix": "auth",
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }
