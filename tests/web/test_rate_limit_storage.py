"""Where counts are kept: exactly, in bounded space, and in Redis as in memory."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from limits.storage import storage_from_string

from auth_service.web.rate_limit_storage import BoundedMemoryStorage
from auth_service.web.redis_storage import ONE_TRIP_PREFIX, OneTripRedisStorage, redis_options

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379") + "/9"


class Time:
    """What `time.time` tells while a test holds it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    held = Time()
    monkeypatch.setattr(time, "time", lambda: held.now)
    return held


@pytest.fixture
def memory() -> BoundedMemoryStorage:
    return BoundedMemoryStorage(max_keys=3)


@pytest.fixture
def redis_storage() -> Iterator[OneTripRedisStorage]:
    server = redis.Redis.from_url(REDIS_URL)
    try:
        server.ping()
    except redis.RedisError:
        server.close()
        if "CI" in os.environ:
            raise
        pytest.skip(f"no Redis at {REDIS_URL}")
    storage = OneTripRedisStorage(ONE_TRIP_PREFIX + REDIS_URL, **redis_options(5.0))
    yield storage
    storage.close()
    server.close()


@pytest.fixture(params=["memory", pytest.param("redis_storage", marks=pytest.mark.redis)])
def storage(request: pytest.FixtureRequest) -> BoundedMemoryStorage | OneTripRedisStorage:
    found: BoundedMemoryStorage | OneTripRedisStorage = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def key(storage: BoundedMemoryStorage | OneTripRedisStorage) -> Iterator[str]:
    name = f"test/{uuid4()}"
    yield name
    storage.clear(name)


Either = BoundedMemoryStorage | OneTripRedisStorage


def test_the_window_moves_with_each_request(clock: Time, storage: Either, key: str) -> None:
    for second in (0, 20, 40):
        clock.now = 1_800_000_000 + second
        assert storage.acquire_entry(key, 3, 60)
    passed = []
    for second in (59, 60, 79, 80, 99, 100):
        clock.now = 1_800_000_000 + second
        passed.append(storage.acquire_entry(key, 3, 60))
    assert passed == [False, True, False, True, False, True]


def test_a_refused_request_leaves_no_trace(clock: Time, storage: Either, key: str) -> None:
    assert storage.acquire_entry(key, 1, 60)
    for _ in range(59):
        clock.now += 1
        assert not storage.acquire_entry(key, 1, 60)
    clock.now += 1
    assert storage.acquire_entry(key, 1, 60)


def test_the_window_is_told_by_its_oldest_request(clock: Time, storage: Either, key: str) -> None:
    began = clock.now
    storage.acquire_entry(key, 5, 60)
    clock.now += 10.25
    storage.acquire_entry(key, 5, 60)
    assert storage.get_moving_window(key, 5, 60) == (began, 2)
    assert storage.get_moving_window(key, 5, 60) == (began, 2)
    clock.now = began + 60
    assert storage.get_moving_window(key, 5, 60) == (began + 10.25, 1)


def test_an_expired_window_is_empty(clock: Time, storage: Either, key: str) -> None:
    storage.acquire_entry(key, 5, 60)
    storage.get_moving_window(key, 5, 60)
    clock.now += 60
    assert storage.get_moving_window(key, 5, 60) == (clock.now, 0)


def test_an_unknown_key_has_an_empty_window(clock: Time, storage: Either, key: str) -> None:
    assert storage.get_moving_window(key, 5, 60) == (clock.now, 0)


def test_the_window_told_is_that_of_the_key_asked_for(storage: Either, key: str) -> None:
    storage.acquire_entry(key, 5, 60)
    assert storage.get_moving_window(key + "/other", 5, 60)[1] == 0


def test_a_limit_of_nothing_lets_nothing_through(storage: Either, key: str) -> None:
    assert not storage.acquire_entry(key, 0, 60)


def test_more_than_is_left_is_refused_whole(storage: Either, key: str) -> None:
    assert storage.acquire_entry(key, 3, 60, amount=2)
    assert not storage.acquire_entry(key, 3, 60, amount=2)
    assert storage.get_moving_window(key, 3, 60)[1] == 2


def test_clearing_a_key_forgets_it(storage: Either, key: str) -> None:
    storage.acquire_entry(key, 1, 60)
    storage.clear(key)
    assert storage.acquire_entry(key, 1, 60)


def test_a_clock_that_is_set_back_opens_nothing(clock: Time, storage: Either, key: str) -> None:
    assert storage.acquire_entry(key, 2, 60)
    clock.now -= 1000
    assert storage.acquire_entry(key, 2, 60)
    assert not storage.acquire_entry(key, 2, 60)
    clock.now += 1001
    assert not storage.acquire_entry(key, 2, 60)


def test_parallel_threads_get_exactly_the_limit(storage: Either, key: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda _: storage.acquire_entry(key, 50, 60), range(200)))
    assert passed.count(True) == 50


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60), st.integers(1, 5))
def test_no_interval_of_the_window_holds_more_than_the_limit(
    pauses: list[float], limit: int
) -> None:
    storage = BoundedMemoryStorage()
    passed: list[float] = []
    held = Time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: held.now)
        for pause in pauses:
            held.now += pause
            inside = [moment for moment in passed if moment > held.now - 60]
            assert storage.acquire_entry("key", limit, 60) == (len(inside) < limit)
            if len(inside) < limit:
                passed.append(held.now)


def test_memory_never_keeps_more_keys_than_its_bound(memory: BoundedMemoryStorage) -> None:
    for number in range(1000):
        memory.acquire_entry(f"key/{number}", 5, 60)
    assert len(memory) == 3
    assert sum(len(windows) for windows in memory._windows.values()) == 3


def test_the_key_that_expires_first_makes_room(clock: Time, memory: BoundedMemoryStorage) -> None:
    memory.acquire_entry("day", 5, 86400)
    clock.now += 1
    for name in ("busy", "idle"):
        memory.acquire_entry(name, 5, 60)
        clock.now += 1
    memory.acquire_entry("busy", 5, 60)
    memory.acquire_entry("new", 5, 60)
    left = {name: memory.get_moving_window(name, 5, 60)[1] for name in ("busy", "idle", "new")}
    assert left == {"busy": 2, "idle": 0, "new": 1}
    assert memory.get_moving_window("day", 5, 86400)[1] == 1


def test_expired_keys_leave_as_new_ones_come(clock: Time) -> None:
    memory = BoundedMemoryStorage()
    for number in range(100):
        memory.acquire_entry(f"old/{number}", 5, 60)
    clock.now += 60
    for number in range(50):
        memory.acquire_entry(f"new/{number}", 5, 3600)
    assert len(memory) == 50


def test_a_busy_key_keeps_only_what_its_window_needs(clock: Time) -> None:
    memory = BoundedMemoryStorage()
    for _ in range(10_000):
        clock.now += 1
        memory.acquire_entry("key", 60, 60)
    assert len(memory._windows[60]["key"]) <= 2 * 60


def test_memory_starts_no_thread() -> None:
    before = threading.active_count()
    memory = storage_from_string("bounded-memory://")
    assert isinstance(memory, BoundedMemoryStorage)
    memory.acquire_entry("key", 5, 60)
    assert threading.active_count() == before
    assert memory.check()


def test_resetting_memory_forgets_everything(memory: BoundedMemoryStorage) -> None:
    memory.acquire_entry("one", 1, 60)
    memory.acquire_entry("two", 1, 3600)
    assert memory.reset() == 2
    assert len(memory) == 0
    assert memory.acquire_entry("one", 1, 60)


def test_clearing_an_unknown_key_changes_nothing(memory: BoundedMemoryStorage) -> None:
    memory.acquire_entry("one", 1, 60)
    memory.clear("two")
    assert len(memory) == 1


def test_memory_offers_no_fixed_window(memory: BoundedMemoryStorage) -> None:
    with pytest.raises(NotImplementedError):
        memory.incr("key", 60)
    with pytest.raises(NotImplementedError):
        memory.get("key")
    with pytest.raises(NotImplementedError):
        memory.get_expiry("key")


def test_nothing_outside_can_fail_memory(memory: BoundedMemoryStorage) -> None:
    assert memory.base_exceptions == ()


@pytest.mark.redis
def test_counting_and_telling_is_one_trip(
    redis_storage: OneTripRedisStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[str] = []
    send = redis_storage.storage.execute_command

    def counted(*args: object, **options: object) -> object:
        trips.append(str(args[0]))
        return send(*args, **options)

    key = f"test/{uuid4()}"
    redis_storage.acquire_entry(key, 5, 60)  # the first may have to load the script
    monkeypatch.setattr(redis_storage.storage, "execute_command", counted)
    assert redis_storage.ask(key, 5, 60).used == 2
    assert trips == ["EVALSHA"]
    redis_storage.clear(key)


@pytest.mark.redis
def test_keys_in_redis_expire_with_their_window(redis_storage: OneTripRedisStorage) -> None:
    key = f"test/{uuid4()}"
    redis_storage.acquire_entry(key, 5, 60)
    assert 0 < redis_storage.storage.ttl(f"auth:{key}") <= 60
    redis_storage.clear(key)


@pytest.mark.redis
def test_a_connection_to_redis_needs_no_handshake_but_the_url_s(
    redis_storage: OneTripRedisStorage,
) -> None:
    connection = redis_storage.storage.connection_pool.get_connection()
    assert (connection.driver_info, connection.protocol) == (None, 2)
    assert connection.retry.get_retries() == 0
    redis_storage.storage.connection_pool.release(connection)
