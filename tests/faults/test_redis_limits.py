"""Redis dies, freezes, fills up and comes back: requests go on, and are still counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from auth_service.setting_types import Environment
from auth_service.settings import Settings
from auth_service.web.rate_limit import RateLimited, RateLimiter
from auth_service.web.rate_limit_policy import PolicyName
from tests.faults.redis_server import RedisServer
from tests.running_server import free_port

pytestmark = pytest.mark.redis
NEVER = 3600.0
"""Seconds between two probes, for a test in which none shall come."""


def limiter_on(url: str, *, timeout: float = 0.05, probe_interval: float = 0.05) -> RateLimiter:
    settings = Settings(
        _env_file=None,
        environment=Environment.TEST,
        redis_url=url,
        redis_timeout=timedelta(seconds=timeout),
    )
    return RateLimiter(settings, probe_interval=probe_interval)


@asynccontextmanager
async def running(url: str, **options: float) -> AsyncIterator[RateLimiter]:
    limiter = limiter_on(url, **options)
    try:
        yield limiter
    finally:
        await limiter.aclose()


async def passes(limiter: RateLimiter, name: PolicyName = "login", key: str = "k") -> bool:
    try:
        await limiter.hit(limiter.policies[name], key)
    except RateLimited:
        return False
    return True


async def seconds_of(limiter: RateLimiter, name: PolicyName = "login") -> float:
    began = time.perf_counter()
    await passes(limiter, name)
    return time.perf_counter() - began


async def eventually(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not fact():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0.01)


class Silence:
    """A server that accepts and never answers; it counts who came."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError):
            await reader.read()  # until the other side gives up
        writer.close()


@pytest.fixture
async def silence() -> AsyncIterator[Silence]:
    found = Silence()
    listening = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    found.url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    yield found
    listening.close()


async def test_a_dead_redis_leaves_the_limits_in_force() -> None:
    async with running(f"redis://127.0.0.1:{free_port()}/0") as limiter:
        assert [await passes(limiter) for _ in range(7)] == [True] * 5 + [False] * 2
        assert limiter.degraded


async def test_a_silent_redis_leaves_the_limits_in_force(silence: Silence) -> None:
    async with running(silence.url) as limiter:
        assert [await passes(limiter) for _ in range(7)] == [True] * 5 + [False] * 2
        assert limiter.degraded


@pytest.mark.parametrize("name", ["login", "anonymous"])
async def test_a_silent_redis_costs_a_request_at_most_100_ms(
    silence: Silence, name: PolicyName
) -> None:
    costs = []
    for _ in range(5):
        async with running(silence.url, probe_interval=NEVER) as limiter:
            costs.append(await seconds_of(limiter, name))
    # The quickest of five tells what the code does; the slowest, what the machine does too.
    assert min(costs) < 0.1
    assert max(costs) < 1


async def test_hanging_threads_cost_no_request_more(silence: Silence) -> None:
    # The URL's own timeout wins over ours, so each thread that calls is gone for four seconds.
    hanging = silence.url + "?socket_timeout=4"
    async with running(hanging, timeout=0.5, probe_interval=NEVER) as limiter:
        costs = await asyncio.gather(*(seconds_of(limiter, "user") for _ in range(200)))
        assert max(costs) < 2
        assert limiter.degraded
        assert min([await seconds_of(limiter, "user") for _ in range(3)]) < 0.4


async def test_a_slow_redis_costs_a_policy_of_two_limits_no_more(redis_server: RedisServer) -> None:
    redis_server.start()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", redis_server.port)
        with suppress(ConnectionError):
            while request := await reader.read(65536):
                ahead.write(request)
                answer = await behind.read(65536)
                await asyncio.sleep(0.8)  # less than the timeout of one trip
                writer.write(answer)
        ahead.close()
        writer.close()

    listening = await asyncio.start_server(forward, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    async with running(url, timeout=1, probe_interval=NEVER) as limiter:
        cost = await seconds_of(limiter, "anonymous")
    listening.close()
    assert 1.6 <= cost < 2.4  # not the 3.2 and more of its four trips


async def test_a_parallel_burst_at_a_silent_redis_is_counted_exactly(silence: Silence) -> None:
    async with running(silence.url) as limiter:
        passed = await asyncio.gather(*(passes(limiter) for _ in range(200)))
        assert passed.count(True) == 5


async def test_the_event_loop_goes_on_while_redis_is_silent(silence: Silence) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async with running(silence.url, timeout=1.0, probe_interval=NEVER) as limiter:
        ticking = asyncio.create_task(tick())
        await passes(limiter)
        ticking.cancel()
    assert ticks > 10


async def test_while_redis_is_lost_no_request_touches_it(silence: Silence) -> None:
    async with running(silence.url, probe_interval=NEVER) as limiter:
        await passes(limiter)
        await asyncio.sleep(0.05)
        before = silence.connections
        for number in range(50):
            await passes(limiter, key=str(number))
        assert not await limiter.ping()
        await asyncio.sleep(0.05)
        assert (before, silence.connections) == (1, 1)


async def test_a_parallel_burst_does_not_pile_up_on_a_silent_redis(silence: Silence) -> None:
    async with running(silence.url, timeout=0.5, probe_interval=NEVER) as limiter:
        await asyncio.gather(*(passes(limiter, "user") for _ in range(200)))
        await asyncio.sleep(0.05)
        # One call for each thread, and one more that it took before the first was heard of.
        assert silence.connections <= 16


async def test_an_outage_is_logged_once(silence: Silence) -> None:
    with capture_logs() as logs:
        async with running(silence.url) as limiter:
            await asyncio.gather(*(passes(limiter) for _ in range(50)))
            await passes(limiter)
            await asyncio.sleep(0.3)  # some probes fail meanwhile
    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("rate_limit_store_lost", "warning")
    ]


async def test_the_log_names_the_fault_but_not_the_address() -> None:
    with capture_logs() as logs:
        async with running(f"redis://user:secret@127.0.0.1:{free_port()}/0") as limiter:
            await passes(limiter)
    assert logs == [
        {"event": "rate_limit_store_lost", "log_level": "warning", "fault": "ConnectionError"}
    ]


async def test_a_frozen_redis_is_survived_and_taken_up_again(redis_server: RedisServer) -> None:
    redis_server.start()
    with capture_logs() as logs:
        async with running(redis_server.url) as limiter:
            assert await passes(limiter, key="before")
            redis_server.freeze()
            assert await seconds_of(limiter, "user") < 1
            assert limiter.degraded
            redis_server.thaw()
            await eventually(lambda: not limiter.degraded)
            assert await passes(limiter, key="after")
    assert redis_server.client.llen("auth:limits/login/after/5/1/minute") == 1
    assert [log["event"] for log in logs] == ["rate_limit_store_lost", "rate_limit_store_recovered"]


async def test_an_outage_is_no_fresh_start(redis_server: RedisServer) -> None:
    redis_server.start()
    async with running(redis_server.url, timeout=1) as limiter:
        assert [await passes(limiter) for _ in range(4)] == [True] * 4
        assert not limiter.degraded
        redis_server.stop()
        assert [await passes(limiter) for _ in range(3)] == [True, False, False]
        assert limiter.degraded


async def test_a_redis_that_starts_late_is_taken_up(redis_server: RedisServer) -> None:
    async with running(redis_server.url) as limiter:
        assert not await limiter.ping()
        redis_server.start()
        await eventually(lambda: not limiter.degraded)
        assert await limiter.ping()


async def test_a_redis_that_was_restarted_is_not_an_outage(redis_server: RedisServer) -> None:
    redis_server.start()
    with capture_logs() as logs:
        async with running(redis_server.url, timeout=5) as limiter:
            await passes(limiter)
            redis_server.stop()
            redis_server.start()
            assert await passes(limiter)
    assert logs == []


async def test_a_full_redis_is_lost_until_it_takes_writes_again(redis_server: RedisServer) -> None:
    redis_server.start()
    with capture_logs() as logs:
        async with running(redis_server.url, timeout=1) as limiter:
            redis_server.client.config_set("maxmemory", 1)
            assert [await passes(limiter) for _ in range(6)] == [True] * 5 + [False]
            await asyncio.sleep(0.3)  # it answers a PING all the while
            assert limiter.degraded
            redis_server.client.config_set("maxmemory", 0)
            await eventually(lambda: not limiter.degraded)
    assert [log["event"] for log in logs] == ["rate_limit_store_lost", "rate_limit_store_recovered"]


async def test_a_client_that_leaves_meanwhile_is_no_outage(silence: Silence) -> None:
    async with running(silence.url, timeout=5) as limiter:
        request: asyncio.Future[Any] = asyncio.ensure_future(passes(limiter))
        await eventually(lambda: silence.connections == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert not limiter.degraded


async def test_closing_ends_the_probing(silence: Silence) -> None:
    limiter = limiter_on(silence.url)
    await passes(limiter)
    probing: Awaitable[None] | None = limiter._guard._probe
    assert isinstance(probing, asyncio.Task)
    await limiter.aclose()
    assert probing.done()


async def test_a_call_that_fails_after_closing_starts_no_probing(silence: Silence) -> None:
    limiter = limiter_on(silence.url, timeout=0.5)
    request = asyncio.ensure_future(passes(limiter))
    await eventually(lambda: silence.connections == 1)
    await limiter.aclose()
    assert await request
    assert limiter._guard._probe is None
