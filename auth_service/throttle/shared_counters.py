"""Tries counted in Redis, for all workers of all hosts: each operation is one script, one trip."""

from typing import TYPE_CHECKING, Any, Final

from auth_service.throttle.counters import (
    MEMORY_SECONDS,
    MOST_LADDERS,
    UNDER_WAY_SECONDS,
    Entry,
)

if TYPE_CHECKING:
    from redis import Redis

# One hash slot (Redis Cluster) for the records and the index that bounds their number.
_PREFIX: Final = "auth:{throttle}:"
_INDEX: Final = _PREFIX + "index"
MOST_RECORDS: Final = 500_000

# A record is a hash: of each ladder the tries (`c:` and its name) and the time before which there
# is no next one (`n:`). Beside it is the set of tries that are under way, by the time they are
# given up. The index has every record by the time it is forgotten.
_TAKE: Final = """
    local record, under_way, index = KEYS[1], KEYS[2], KEYS[3]
    local now, kept, most_fields, most_records =
        tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local id, gone_after = ARGV[5], tonumber(ARGV[6])
    redis.call('zremrangebyscore', under_way, '-inf', now)
    local wait = 0
    for i = 7, #ARGV, 4 do
        local not_before = tonumber(redis.call('hget', record, 'n:' .. ARGV[i]) or 0)
        wait = math.max(wait, math.min(not_before - now, tonumber(ARGV[i + 3])))
    end
    if wait > 0 then
        return redis.call('zcard', under_way) > 0 and '-1' or tostring(wait)
    end
    redis.call('zadd', under_way, now + gone_after, id)
    redis.call('expire', under_way, math.ceil(gone_after))
    if redis.call('hlen', record) >= most_fields then
        local tries = redis.call('hget', record, 'c:' .. ARGV[7])
        redis.call('del', record)
        redis.call('hset', record, 'c:' .. ARGV[7], tries or 0)
    end
    local longest = 0
    for i = 7, #ARGV, 4 do
        local free, first, most =
            tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
        local tries = redis.call('hincrby', record, 'c:' .. ARGV[i], 1)
        local next = 0
        if tries >= free then
            next = math.min(first * 2 ^ math.min(tries - free, 40), most)
        end
        redis.call('hset', record, 'n:' .. ARGV[i], string.format('%.3f', now + next))
        longest = math.max(longest, next)
    end
    local seconds = math.ceil(math.max(longest, kept))
    redis.call('expire', record, seconds)
    redis.call('zremrangebyscore', index, '-inf', now)
    redis.call('zadd', index, now + seconds, record)
    redis.call('expire', index, seconds)
    while redis.call('zcard', index) > most_records do
        redis.call('del', redis.call('zpopmin', index)[1])
    end
    return '0'
"""
_GIVE_BACK: Final = """
    redis.call('zrem', KEYS[2], ARGV[1])
    for i = 2, #ARGV do
        local name = ARGV[i]
        if tonumber(redis.call('hget', KEYS[1], 'c:' .. name) or 0) > 0 then
            redis.call('hincrby', KEYS[1], 'c:' .. name, -1)
            redis.call('hset', KEYS[1], 'n:' .. name, 0)
        end
    end
"""


class SharedCounters:
    """Counts in Redis. Blocks, and raises what redis-py raises: to be called through its guard."""

    def __init__(self, redis: "Redis", *, most_records: int = MOST_RECORDS) -> None:
        self._redis: Any = redis
        self._most_records = most_records
        self._take = self._redis.register_script(_TAKE)
        self._give_back = self._redis.register_script(_GIVE_BACK)

    def take(self, entry: Entry, now: float) -> float:
        """Count a try on every ladder, or on none; see ``Counters``."""
        arguments: list[str | float] = [
            f"{now:.3f}",
            MEMORY_SECONDS,
            # Two fields a ladder.
            2 * MOST_LADDERS,
            self._most_records,
            entry.id,
            UNDER_WAY_SECONDS,
        ]
        for step in entry.steps:
            ladder = step.ladder
            arguments += [step.name, ladder.free, ladder.first, ladder.longest]
        return float(self._take(keys=[*_keys(entry.record), _INDEX], args=arguments))

    def settle(self, entry: Entry) -> None:
        """The try was wrong: it is no longer under way, and stays counted."""
        self._redis.zrem(_keys(entry.record)[1], entry.id)

    def give_back(self, entry: Entry) -> None:
        """Take back a try that was counted and turned out to be none."""
        names = [step.name for step in entry.steps]
        self._give_back(keys=_keys(entry.record), args=[entry.id, *names])

    def forget(self, record: str) -> None:
        """Begin anew with a record."""
        self._redis.delete(*_keys(record))


def _keys(record: str) -> list[str]:
    return [_PREFIX + record, _PREFIX + record + ":under-way"]
