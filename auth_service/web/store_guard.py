"""How a lost Redis is borne: no request waits for it, and it comes back by itself."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

if TYPE_CHECKING:
    from auth_service.web.redis_storage import OneTripRedisStorage

_THREADS: Final = 8
_PATIENCE: Final = 1.6

Result = TypeVar("Result")


class StoreLostError(Exception):
    """The shared store did not answer, or not in time."""


class StoreGuard:
    """Calls a blocking store from the event loop, without ever waiting for a lost one.

    A call runs in one of a few threads. Once one fails, or has not answered in time, the store
    counts as lost: calls fail at once and none touches it, while a background task asks about once
    a second whether it is back. Each outage is logged once when it begins and once when it ends.
    """

    def __init__(
        self, storage: "OneTripRedisStorage", timeout: float, probe_interval: float
    ) -> None:
        self._storage = storage
        self._faults = storage.faults
        # A thread's own socket gives up after `timeout`; the rest is for a call that needs several
        # trips, for a queue before the threads, and for what has no timeout (resolving a name).
        self._deadline = timeout * _PATIENCE
        self._probe_interval = probe_interval
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="rate-limit-store")
        self._probe: asyncio.Task[None] | None = None
        self._closed = False
        self.lost = False

    @property
    def redis(self) -> Any:  # noqa: ANN401 - redis-py's types are for both of its worlds
        """The client of the store, for scripts that are called through this guard."""
        return self._storage.storage

    async def call(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns, called in a thread.

        Raises:
            StoreLostError: the store is lost, or just turned out to be.
        """
        if self.lost or self._closed:
            raise StoreLostError
        try:
            return await self._in_thread(work)
        except self._faults as fault:
            self._lose(fault)
            raise StoreLostError from fault

    async def ping(self) -> bool:
        """Whether the store answers now; a lost one is not asked."""
        try:
            await self.call(self._storage.ping)
        except StoreLostError:
            return False
        return True

    async def aclose(self) -> None:
        """Stop asking, and let the threads go; a later call finds the store lost."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])
        self._threads.shutdown(wait=False)
        self._storage.close()

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        async with asyncio.timeout(self._deadline):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _lose(self, fault: Exception) -> None:
        if self.lost or self._closed:
            return
        self.lost = True
        # The fault's own text may hold the address of the store; its name does not.
        structlog.get_logger().warning("rate_limit_store_lost", fault=type(fault).__name__)
        self._probe = asyncio.create_task(self._until_back())

    async def _until_back(self) -> None:
        lost_at = time.monotonic()
        while self.lost:
            await asyncio.sleep(self._probe_interval)
            try:
                await self._in_thread(self._storage.ping)
            except self._faults:
                continue
            self.lost = False
        structlog.get_logger().info(
            "rate_limit_store_recovered", outage_seconds=round(time.monotonic() - lost_at, 1)
        )
