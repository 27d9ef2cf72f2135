"""Rate limits: how many requests a client may send, and what every answer tells about it.

slowapi's `Limiter` makes the store; what it does around them (a decorator after
the body is read, Redis on the event loop, no `Retry-After`) is done here instead. Redis counts for
all workers where it is configured. What it lets through is noted in this process too, so that
while Redis is lost the count goes on from there: an outage, even a provoked one, is no fresh start.
"""

import math
import os
import re
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, ClassVar, Final, cast

from slowapi import Limiter
from starlette.requests import Request

from auth_service.core.errors import DomainError, Kind
from auth_service.settings import Settings
from auth_service.web.client_ip import network_key
from auth_service.web.rate_limit_policy import Policy, PolicyName, Quota, Standing, Window
from auth_service.web.rate_limit_storage import MEMORY_URI, WindowStorage
from auth_service.web.store_guard import StoreGuard, StoreLostError

_RECORDED_REFUSALS: Final = "10/hour"
_PLAIN_KEY: Final = re.compile(r"[0-9A-Za-z.:/_-]{1,64}")


class RateLimited(DomainError):
    """Too many requests of this kind came from this client in a short time.

    `RateLimit` and `RateLimit-Policy` tell what is allowed and what is left of it. Wait for the
    seconds that `Retry-After` gives: a request is let through then. Trying earlier is refused, but
    does not make the wait longer.
    """

    kind: ClassVar[Kind] = Kind.LIMITED
    code: ClassVar[str] = "rate_limited"
    title: ClassVar[str] = "Too many requests"


class LimitExhausted(RateLimited):
    """A refusal by a policy of this module, which tells how the client stands with it."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        super().__init__(retry_after=standing.retry_after)


class RateLimiter:
    """Counts requests by policy and key, in Redis where it is configured and answers."""

    def __init__(self, settings: Settings, *, probe_interval: float = 1.0) -> None:
        self.policies: Mapping[PolicyName, Policy] = {
            "login": Policy.parse("login", settings.rate_limit_login),
            "anonymous": Policy.parse("anonymous", settings.rate_limit_anonymous),
            "refresh": Policy.parse("refresh", settings.rate_limit_refresh),
            "user": Policy.parse("user", settings.rate_limit_user),
            "mail": Policy.parse("mail", settings.rate_limit_mail),
            "mail-address": Policy.parse("mail-address", settings.rate_limit_mail_address),
            "refusal": Policy.parse("refusal", _RECORDED_REFUSALS),
        }
        self._local = _limiter(MEMORY_URI, {})
        self._counts = _storage(self._local)
        self._shared: Limiter | None = None
        if settings.redis_url is not None:
            self._shared, self._guard = _shared_limiter(
                settings.redis_url, settings.redis_timeout.total_seconds(), probe_interval
            )

    @property
    def guard(self) -> StoreGuard | None:
        """What calls to Redis go through, so that its loss is noticed once; None without Redis."""
        return None if self._shared is None else self._guard

    @property
    def degraded(self) -> bool:
        """Whether each worker counts for itself, since Redis is lost."""
        return self._shared is not None and self._guard.lost

    async def hit(self, policy: Policy, key: str) -> Standing:
        """Count one request against every limit of the policy, or against none of them.

        Raises:
            LimitExhausted: the request was not counted.
        """
        identifier = _identifier(key)
        standing = await self._shared_standing(policy, identifier)
        if standing is None:
            standing = _count(self._counts, policy, identifier)
        if standing.retry_after is not None:
            raise LimitExhausted(standing)
        return standing

    async def admits(self, policy_name: PolicyName, key: str) -> bool:
        """Count something for the key that is left undone beyond the limit, and tell nobody."""
        try:
            await self.hit(self.policies[policy_name], key)
        except LimitExhausted:
            return False
        return True

    async def ping(self) -> bool:
        """Whether the store answers now; a lost Redis is not asked, as it is watched already."""
        return self._shared is None or await self._guard.ping()

    async def aclose(self) -> None:
        """Stop watching Redis and let go of its threads."""
        if self._shared is not None:
            await self._guard.aclose()

    async def _shared_standing(self, policy: Policy, identifier: str) -> Standing | None:
        if self._shared is None:
            return None
        shared = _storage(self._shared)
        try:
            standing = await self._guard.call(lambda: _count(shared, policy, identifier))
        except StoreLostError:
            return None
        if standing.retry_after is None:
            _count(self._counts, policy, identifier)
        return standing


async def enforce(request: Request, policy_name: PolicyName, key: str) -> None:
    """Count this request for the key, and leave the standing to the answer's headers.

    Raises:
        LimitExhausted: a limit of the policy is used up.
    """
    limiter: RateLimiter = request.app.state.rate_limiter
    try:
        request.state.rate_limit = await limiter.hit(limiter.policies[policy_name], key)
    except LimitExhausted as refusal:
        request.state.rate_limit = refusal.standing
        raise


def limited(policy_name: PolicyName) -> Callable[[Request], Awaitable[None]]:
    """A dependency that limits a route by the client's network."""

    async def limit_client(request: Request) -> None:
        await enforce(request, policy_name, _client_key(request))

    return limit_client


def _client_key(request: Request) -> str:
    return network_key(request.state.client_ip)


def _shared_limiter(url: str, timeout: float, probe_interval: float) -> tuple[Limiter, StoreGuard]:
    # Loaded only here, since redis-py takes some megabytes of a worker.
    from auth_service.web.redis_storage import ONE_TRIP_PREFIX, OneTripRedisStorage, redis_options

    limiter = _limiter(ONE_TRIP_PREFIX + url, redis_options(timeout))
    storage = cast(OneTripRedisStorage, limiter.limiter.storage)
    return limiter, StoreGuard(storage, timeout, probe_interval)


def _storage(limiter: Limiter) -> WindowStorage:
    return cast(WindowStorage, limiter.limiter.storage)


def _limiter(uri: str, options: dict[str, Any]) -> Limiter:
    with warnings.catch_warnings():
        # slowapi reads `.env` unless it is given a file, and warns if that is not a regular one.
        warnings.simplefilter("ignore", UserWarning)
        return Limiter(
            key_func=_client_key,
            strategy="moving-window",
            storage_uri=uri,
            storage_options=options,
            config_filename=os.devnull,
        )


def _count(storage: WindowStorage, policy: Policy, identifier: str) -> Standing:
    """Let a request through and count it, or refuse it and count nothing.

    One limit takes one question. Several are looked at first, so that a request that one refuses
    does not use up another. In this process nothing comes between; in Redis somebody's last
    request may, and then a limit may count one that the next refuses: never one too many is let
    through.
    """
    quotas = policy.quotas
    if len(quotas) == 1:
        return Standing(policy, (_ask(storage, quotas[0], identifier, 1),))
    looked_at = [_ask(storage, quota, identifier, 0) for quota in quotas]
    if not all(window.remaining for window in looked_at):
        return Standing(policy, tuple(map(_refused_if_empty, looked_at)))
    windows: list[Window] = []
    refused = False
    for quota in quotas:
        window = _ask(storage, quota, identifier, 0 if refused else 1)
        windows.append(window)
        refused = refused or window.refused
    return Standing(policy, tuple(windows))


def _ask(storage: WindowStorage, quota: Quota, identifier: str, amount: int) -> Window:
    key = quota.key_begin + identifier + quota.key_end
    admitted, oldest, count = storage.ask(key, quota.amount, quota.seconds, amount)
    # The same time as the storages read, so that both can only be wrong together.
    seconds = math.ceil(oldest + quota.seconds - time.time())
    remaining = quota.amount - count
    return Window(max(0, remaining), max(1, seconds), refused=not admitted)


def _refused_if_empty(window: Window) -> Window:
    return window._replace(refused=window.remaining == 0)


def _identifier(key: str) -> str:
    """The key as the store sees it: short, and never an e-mail address."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    return "sha256-" + sha256(key.encode(errors="surrogatepass")).hexdigest()
