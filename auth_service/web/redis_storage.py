"""Where rate limits keep their counts in Redis; see ``rate_limit_storage``.

Loaded only where there is a Redis: its client takes some megabytes of every worker.
"""

import time
from typing import Any, ClassVar, Final

from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from auth_service.web.rate_limit_storage import Answer

ONE_TRIP_PREFIX: Final = "one-trip+"


class OneTripRedisStorage(RedisStorage):
    """Moving windows in Redis, where one script both counts and tells what remains."""

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

    faults: ClassVar[tuple[type[Exception], ...]] = (RedisError, OSError)
    """What a lost Redis raises; asyncio's TimeoutError is an OSError."""

    def __init__(self, uri: str, **options: Any) -> None:  # noqa: ANN401 - redis-py's options
        super().__init__(uri.removeprefix(ONE_TRIP_PREFIX), **options)

    def ask(self, key: str, limit: int, expiry: int, amount: int = 1) -> Answer:
        """Count ``amount`` requests if the window of ``expiry`` seconds has room for them."""
        admitted, oldest, count = self.lua_acquire_moving_window(
            [self.prefixed_key(key)], [time.time(), limit, expiry, amount]
        )
        return Answer(bool(admitted), float(oldest), int(count))

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether ``amount`` requests were let through, and counted."""
        return self.ask(key, limit, expiry, amount).admitted

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the oldest request in the window, and how many there are."""
        return self.ask(key, limit, expiry, 0)[1:]

    def ping(self) -> None:
        """Do what a request does; raises what a request would.

        A `PING` is answered also by a Redis that is full or was made a replica, and counts nothing.
        """
        self.ask("probe", limit=1000, expiry=1)

    def close(self) -> None:
        """Close the connections that no thread is using; those close when they are done with."""
        self.storage.connection_pool.disconnect(inuse_connections=False)


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
