"""How many requests pass, and what every answer tells: in this process, and through Redis."""

import asyncio
import os
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
import redis
from fastapi import Depends, FastAPI, Request, Response
from starlette.responses import JSONResponse

from auth_service.core.errors import Kind
from auth_service.setting_types import Environment
from auth_service.settings import Settings
from auth_service.web.rate_limit import LimitExhausted, RateLimiter, enforce, limited
from auth_service.web.rate_limit_policy import Policy, Standing, Window, rate_limit_headers
from auth_service.web.rate_limit_storage import Answer
from auth_service.web.redis_storage import OneTripRedisStorage

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


def settings(**values: Any) -> Settings:
    values.setdefault("redis_url", None)
    return Settings(
        _env_file=None,
        environment=Environment.TEST,
        redis_timeout=timedelta(seconds=5),  # a slow machine is not what these tests are about
        **values,
    )


@pytest.fixture
def limiter() -> RateLimiter:
    return RateLimiter(settings())


@pytest.fixture
def redis_server() -> Iterator["redis.Redis"]:
    server = redis.Redis.from_url(REDIS_URL)
    try:
        server.ping()
    except redis.RedisError:
        server.close()
        if "CI" in os.environ:
            raise
        pytest.skip(f"no Redis at {REDIS_URL}")
    yield server
    server.close()


@pytest.fixture
def key(redis_server: "redis.Redis") -> Iterator[str]:
    name = str(uuid4())
    yield name
    for kept in redis_server.scan_iter(f"auth:*{name}*"):
        redis_server.delete(kept)


@pytest.fixture
async def sharing(redis_server: "redis.Redis") -> AsyncIterator[list[RateLimiter]]:
    """Two limiters, as two workers have them, on one Redis."""
    workers = [RateLimiter(settings(redis_url=REDIS_URL)) for _ in range(2)]
    yield workers
    for worker in workers:
        await worker.aclose()


async def passes(limiter: RateLimiter, policy: Policy, key: str) -> bool:
    try:
        await limiter.hit(policy, key)
    except LimitExhausted:
        return False
    return True


async def refusal(limiter: RateLimiter, policy: Policy, key: str) -> LimitExhausted:
    with pytest.raises(LimitExhausted) as refused:
        await limiter.hit(policy, key)
    return refused.value


def test_a_policy_with_one_limit_bears_its_name_alone() -> None:
    assert Policy.parse("login", "5/minute").limit_names == ("login",)


def test_limits_of_one_policy_have_distinct_names_the_shortest_window_first() -> None:
    policy = Policy.parse("anonymous", "200/day;50/hour;500/7 day")
    assert policy.limit_names == ("anonymous-hour", "anonymous-day", "anonymous-7day")


def test_of_two_limits_over_one_window_the_tighter_holds() -> None:
    policy = Policy.parse("login", "9/minute;5/60 second;7/minute")
    assert [(limit.amount, limit.get_expiry()) for limit in policy.limits] == [(5, 60)]


def test_policies_come_from_the_settings() -> None:
    configured = RateLimiter(
        settings(
            rate_limit_login="1/minute",
            rate_limit_anonymous="2/minute",
            rate_limit_refresh="3/minute",
            rate_limit_user="4/minute",
            rate_limit_mail="5/minute",
            rate_limit_mail_address="6/minute",
        )
    )
    amounts = {name: policy.limits[0].amount for name, policy in configured.policies.items()}
    assert amounts.pop("refusal") == 10  # no setting
    assert list(amounts) == ["login", "anonymous", "refresh", "user", "mail", "mail-address"]
    assert list(amounts.values()) == [1, 2, 3, 4, 5, 6]


def test_headers_are_structured_fields() -> None:
    standing = Standing(Policy.parse("login", "5/minute"), (Window(4, 56),))
    assert rate_limit_headers(standing) == [
        (b"ratelimit-policy", b'"login";q=5;w=60'),
        (b"ratelimit", b'"login";r=4;t=56'),
    ]


def test_headers_of_two_limits_are_two_list_members() -> None:
    policy = Policy.parse("anonymous", "200/day;50/hour")
    standing = Standing(policy, (Window(49, 3600), Window(199, 86400)))
    assert rate_limit_headers(standing) == [
        (b"ratelimit-policy", b'"anonymous-hour";q=50;w=3600, "anonymous-day";q=200;w=86400'),
        (b"ratelimit", b'"anonymous-hour";r=49;t=3600, "anonymous-day";r=199;t=86400'),
    ]


async def test_exactly_the_limit_passes(limiter: RateLimiter) -> None:
    login = limiter.policies["login"]
    assert [await passes(limiter, login, "k") for _ in range(7)] == [True] * 5 + [False] * 2


async def test_of_200_parallel_requests_exactly_the_limit_passes(limiter: RateLimiter) -> None:
    login = limiter.policies["login"]
    passed = await asyncio.gather(*(passes(limiter, login, "k") for _ in range(200)))
    assert passed.count(True) == 5


async def test_a_standing_tells_what_is_left_and_when_there_is_more(
    limiter: RateLimiter, clock: Time
) -> None:
    login = limiter.policies["login"]
    await limiter.hit(login, "k")
    clock.now += 10.5
    standing = await limiter.hit(login, "k")
    assert standing.windows == (Window(remaining=3, reset_after=50),)
    assert standing.retry_after is None


async def test_a_refusal_is_a_limited_error_that_carries_its_standing(limiter: RateLimiter) -> None:
    login = limiter.policies["login"]
    for _ in range(5):
        await limiter.hit(login, "k")
    refused = await refusal(limiter, login, "k")
    assert (refused.kind, refused.code) == (Kind.LIMITED, "rate_limited")
    assert rate_limit_headers(refused.standing)[1] == (b"ratelimit", b'"login";r=0;t=60')


async def test_waiting_for_retry_after_is_enough_and_a_second_less_is_not(
    limiter: RateLimiter, clock: Time
) -> None:
    login = limiter.policies["login"]
    for _ in range(5):
        clock.now += 3.3
        await limiter.hit(login, "k")
    wait = (await refusal(limiter, login, "k")).retry_after
    assert wait == 47  # 60 seconds after the first, which is 13.2 ago
    clock.now += wait - 1
    assert not await passes(limiter, login, "k")
    clock.now += 1
    assert await passes(limiter, login, "k")


async def test_retry_after_is_never_less_than_a_second(limiter: RateLimiter, clock: Time) -> None:
    login = limiter.policies["login"]
    for _ in range(5):
        await limiter.hit(login, "k")
    clock.now += 59.999
    assert (await refusal(limiter, login, "k")).retry_after == 1


async def test_a_window_that_ends_while_it_is_told_still_asks_for_a_second(
    limiter: RateLimiter, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = limiter.policies["login"]
    for _ in range(5):
        await limiter.hit(login, "k")
    moments = iter([clock.now + 59.9, clock.now + 59.99, clock.now + 60.1])
    monkeypatch.setattr(time, "time", lambda: next(moments))
    assert (await refusal(limiter, login, "k")).retry_after == 1


async def test_trying_all_the_while_does_not_prolong_the_wait(
    limiter: RateLimiter, clock: Time
) -> None:
    login = limiter.policies["login"]
    for _ in range(5):
        await limiter.hit(login, "k")
    for _ in range(59):
        clock.now += 1
        assert not await passes(limiter, login, "k")
    clock.now += 1
    assert await passes(limiter, login, "k")


async def test_what_the_hour_refuses_does_not_use_up_the_day(
    limiter: RateLimiter, clock: Time
) -> None:
    anonymous = limiter.policies["anonymous"]
    for _ in range(300):
        await passes(limiter, anonymous, "k")
    clock.now += 3600
    standing = await limiter.hit(anonymous, "k")
    assert [window.remaining for window in standing.windows] == [49, 149]


async def test_what_the_day_refuses_does_not_use_up_the_hour(clock: Time) -> None:
    limiter = RateLimiter(settings(rate_limit_anonymous="3/day;2/hour"))
    anonymous = limiter.policies["anonymous"]
    for hours in (0, 1, 23, 23.5):
        clock.now = 1_800_000_000 + hours * 3600
        await passes(limiter, anonymous, "k")
        await passes(limiter, anonymous, "k")
    refused = await refusal(limiter, anonymous, "k")
    assert refused.standing.windows == (Window(2, 3600), Window(0, 1800, refused=True))
    assert refused.retry_after == 1800


async def test_two_exhausted_limits_ask_for_the_longer_wait(
    limiter: RateLimiter, clock: Time
) -> None:
    limiter = RateLimiter(settings(rate_limit_anonymous="2/day;2/hour"))
    anonymous = limiter.policies["anonymous"]
    await limiter.hit(anonymous, "k")
    await limiter.hit(anonymous, "k")
    assert (await refusal(limiter, anonymous, "k")).retry_after == 86400


async def test_a_limit_of_nothing_refuses_everything() -> None:
    limiter = RateLimiter(settings(rate_limit_login="0/minute"))
    refused = await refusal(limiter, limiter.policies["login"], "k")
    assert rate_limit_headers(refused.standing)[1] == (b"ratelimit", b'"login";r=0;t=60')


async def test_keys_and_policies_are_counted_apart(limiter: RateLimiter) -> None:
    for _ in range(5):
        await limiter.hit(limiter.policies["login"], "k")
    assert await passes(limiter, limiter.policies["login"], "another")
    assert await passes(limiter, limiter.policies["refresh"], "k")


async def test_without_redis_nothing_is_degraded_and_the_store_answers(
    limiter: RateLimiter,
) -> None:
    assert not limiter.degraded
    assert await limiter.ping()
    await limiter.aclose()


def test_a_settings_file_of_the_working_folder_is_not_slowapi_s_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=x\n\xff")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built = RateLimiter(settings())
    assert not built._local._in_memory_fallback_enabled


def test_options_of_one_limiter_do_not_reach_another(limiter: RateLimiter) -> None:
    other = RateLimiter(settings())
    assert limiter._local._storage_options is not other._local._storage_options


@pytest.mark.redis
async def test_workers_that_share_redis_count_together(
    sharing: list[RateLimiter], key: str
) -> None:
    login = sharing[0].policies["login"]
    passed = [await passes(sharing[turn % 2], login, key) for turn in range(8)]
    assert passed == [True] * 5 + [False] * 3


@pytest.mark.redis
async def test_of_200_parallel_requests_to_two_workers_exactly_the_limit_passes(
    sharing: list[RateLimiter], key: str
) -> None:
    refresh = sharing[0].policies["refresh"]
    passed = await asyncio.gather(*(passes(sharing[turn % 2], refresh, key) for turn in range(200)))
    assert passed.count(True) == 30
    assert not any(worker.degraded for worker in sharing)


@pytest.mark.redis
async def test_of_200_parallel_requests_exactly_the_tighter_of_two_limits_passes(
    sharing: list[RateLimiter], key: str
) -> None:
    anonymous = sharing[0].policies["anonymous"]
    passed = await asyncio.gather(
        *(passes(sharing[turn % 2], anonymous, key) for turn in range(200))
    )
    assert passed.count(True) == 50


@pytest.mark.redis
async def test_a_limit_that_fills_up_between_look_and_hit_refuses(
    sharing: list[RateLimiter], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anonymous = sharing[0].policies["anonymous"]
    assert sharing[0]._shared is not None
    storage = cast(OneTripRedisStorage, sharing[0]._shared.limiter.storage)
    tried: list[object] = []
    ask = storage.ask

    def full(key: str, limit: int, expiry: int, amount: int) -> Answer:
        if amount == 0:
            return ask(key, limit, expiry, amount)
        tried.append(key)
        return Answer(admitted=False, oldest=time.time(), used=limit)

    monkeypatch.setattr(storage, "ask", full)
    refused = await refusal(sharing[0], anonymous, key)
    assert len(tried) == 1
    assert refused.standing.windows == (Window(0, 3600, refused=True), Window(200, 86400))


@pytest.mark.redis
async def test_redis_tells_what_is_left_of_what_all_workers_used(
    sharing: list[RateLimiter], key: str
) -> None:
    login = sharing[0].policies["login"]
    await sharing[0].hit(login, key)
    standing = await sharing[1].hit(login, key)
    assert standing.windows[0].remaining == 3


@pytest.mark.redis
async def test_a_refusal_by_redis_says_how_long_to_wait(
    sharing: list[RateLimiter], key: str, clock: Time
) -> None:
    login = sharing[0].policies["login"]
    for _ in range(5):
        clock.now += 3.3
        await sharing[0].hit(login, key)
    assert (await refusal(sharing[1], login, key)).retry_after == 47
    clock.now += 47
    assert await passes(sharing[1], login, key)


@pytest.mark.redis
async def test_redis_keys_have_our_prefix(
    sharing: list[RateLimiter], redis_server: "redis.Redis", key: str
) -> None:
    await sharing[0].hit(sharing[0].policies["login"], key)
    assert list(redis_server.scan_iter(f"*{key}*")) == [
        f"auth:limits/login/{key}/5/1/minute".encode()
    ]


@pytest.mark.redis
@pytest.mark.parametrize("typed", ["{key}@example.com", "{key}\ud800\x00", "{key}" * 10_000])
async def test_what_a_person_typed_never_is_a_key_in_redis(
    sharing: list[RateLimiter], redis_server: "redis.Redis", key: str, typed: str
) -> None:
    before = set(redis_server.scan_iter("auth:*"))
    await sharing[0].hit(sharing[0].policies["login"], typed.format(key=key))
    new = set(redis_server.scan_iter("auth:limits/login/sha256-*")) - before
    assert not list(redis_server.scan_iter(f"*{key}*"))
    assert new
    redis_server.delete(*new)


@pytest.mark.redis
async def test_a_redis_that_answers_is_not_degraded(sharing: list[RateLimiter]) -> None:
    assert await sharing[0].ping()
    assert not sharing[0].degraded


@pytest.mark.redis
async def test_a_closed_limiter_counts_for_itself(sharing: list[RateLimiter], key: str) -> None:
    login = sharing[0].policies["login"]
    await sharing[0].aclose()
    assert [await passes(sharing[0], login, key) for _ in range(6)] == [True] * 5 + [False]
    assert not await sharing[0].ping()


@pytest.fixture
async def client(limiter: RateLimiter) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.rate_limiter = limiter

    @app.middleware("http")
    async def standing_in_headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        request.state.client_ip = request.headers.get("x-test-ip")
        response = await call_next(request)
        for name, value in rate_limit_headers(request.state.rate_limit):
            response.headers[name.decode()] = value.decode()
        return response

    @app.exception_handler(LimitExhausted)
    async def refuse(request: Request, refused: LimitExhausted) -> Response:
        return JSONResponse(
            {"code": refused.code}, 429, headers={"Retry-After": str(refused.retry_after)}
        )

    @app.post("/login", dependencies=[Depends(limited("login"))])
    async def login() -> None: ...

    @app.post("/refresh/{session_id}")
    async def refresh(request: Request, session_id: str) -> None:
        await enforce(request, "refresh", session_id)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as found:
        yield found


async def test_a_limited_route_tells_the_standing(client: httpx.AsyncClient) -> None:
    response = await client.post("/login", headers={"x-test-ip": "198.51.100.1"})
    assert response.status_code == 200
    assert response.headers["RateLimit"] == '"login";r=4;t=60'
    assert response.headers["RateLimit-Policy"] == '"login";q=5;w=60'


async def test_a_refusal_tells_the_standing_and_the_wait(client: httpx.AsyncClient) -> None:
    responses = [
        await client.post("/login", headers={"x-test-ip": "198.51.100.1"}) for _ in range(6)
    ]
    assert [response.status_code for response in responses] == [200] * 5 + [429]
    assert responses[5].headers["RateLimit"].startswith('"login";r=0;t=')
    assert 1 <= int(responses[5].headers["Retry-After"]) <= 60


async def test_clients_are_limited_apart(client: httpx.AsyncClient) -> None:
    for _ in range(6):
        await client.post("/login", headers={"x-test-ip": "198.51.100.1"})
    response = await client.post("/login", headers={"x-test-ip": "198.51.100.2"})
    assert response.status_code == 200


async def test_one_ipv6_network_is_one_client(client: httpx.AsyncClient) -> None:
    statuses = [
        (await client.post("/login", headers={"x-test-ip": f"2001:db8::{last}"})).status_code
        for last in range(6)
    ]
    assert statuses == [200] * 5 + [429]


async def test_clients_without_an_address_are_limited_together(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post("/login")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_code_may_limit_by_a_key_of_its_own(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post("/refresh/one")).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    response = await client.post("/refresh/two")
    assert response.headers["RateLimit"] == '"refresh";r=29;t=60'
