"""Threads of their own for slow work, and a short queue before them.

In asyncio's default pool a login storm makes every other answer late, and an endless queue makes
all of them too late: here the work has as many threads as it should have cores, and what would
wait too long is turned away at once.
"""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from auth_service.methods.password.errors import Busy

_NICENESS: Final = 3
_WEIGHT_OF_THE_LATEST: Final = 1 / 8
T = TypeVar("T")


class MovingAverage:
    """How long something takes of late, in seconds; 0 before the first time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one more time, which weighs an eighth (the first counts in full)."""
        change = (seconds - self.seconds) * _WEIGHT_OF_THE_LATEST
        self.seconds = self.seconds + change if self.seconds else seconds


class HashingPool:
    """Runs up to ``threads`` pieces of work at a time and lets ``queue`` more wait."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = threads
        self._places = threads + queue
        self._running = 0
        self._waiting = 0
        self._lock = threading.Lock()
        self._average = MovingAverage()
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix="hashing", initializer=_step_back
        )

    @property
    def running(self) -> int:
        """Pieces of work on a thread right now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Pieces of work in the queue right now."""
        return self._waiting

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns, done on a thread of the pool.

        A caller who is cancelled gives the place in the queue back at once, and work that has not
        begun is never done; work that has begun is finished, for nobody.

        Raises:
            Busy: as many are running and waiting as may be.
        """
        return await asyncio.wrap_future(self._submit(work))

    def ensure_room(self) -> None:
        """Do nothing where work would be taken on now; it may be turned away all the same.

        Raises:
            Busy: as many are running and waiting as may be.
        """
        if self._running + self._waiting >= self._places:
            raise Busy(retry_after=self._expected_wait())

    async def aclose(self) -> None:
        """Finish what is running and waiting, and end the threads."""
        await asyncio.to_thread(self._executor.shutdown)

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        with self._lock:
            self.ensure_room()
            future = self._executor.submit(self._counted, work)
            self._waiting += 1
        future.add_done_callback(self._leave_if_cancelled)
        return future

    def _expected_wait(self) -> int:
        ahead = self._running + self._waiting
        return max(1, math.ceil(ahead * self._average.seconds / self._threads))

    def _counted(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._waiting -= 1
            self._running += 1
        started = time.perf_counter()
        try:
            return work()
        finally:
            with self._lock:
                self._running -= 1
                self._average.add(time.perf_counter() - started)

    def _leave_if_cancelled(self, future: "Future[T]") -> None:
        # A future can be cancelled only before its work begins, so it was still waiting.
        if future.cancelled():
            with self._lock:
                self._waiting -= 1


def _step_back() -> None:
    """Let the scheduler prefer the event loop to this thread, so that it stays quick in a storm.

    Only on Linux is a priority a thread's own; without the right to change it, nothing is lost.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
