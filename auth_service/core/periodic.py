"""Work that a process does every so often beside its requests."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

log = structlog.get_logger()
_JITTER: Final = 0.1
_GRACE_SECONDS: Final = 5


async def every(interval: timedelta, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work each time the interval has passed, until cancelled; a failure is only logged.

    The interval is shortened by up to a tenth, at random, so that workers which started together
    do not all ask at the same moment. What goes on failing is logged once, and once when it works
    again.
    """
    attempts = _Attempts(name, work)
    while True:
        await asyncio.sleep(interval.total_seconds() * (1 - _JITTER * random.random()))  # noqa: S311 - spreads load, hides nothing
        await attempts.make()


async def when_woken(
    woken: asyncio.Event, poll: timedelta, name: str, work: Callable[[], Awaitable[object]]
) -> None:
    """Do the work at once, whenever it is woken, and when it was not for as long as ``poll``.

    Otherwise as ``every``.
    """
    attempts = _Attempts(name, work)
    while True:
        woken.clear()
        await attempts.make()
        with suppress(TimeoutError):
            async with asyncio.timeout(poll.total_seconds()):
                await woken.wait()


class _Attempts:
    """Tries something again and again; tells when it begins to fail, and when that is over."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._work = work
        self._failing = False

    async def make(self) -> None:
        try:
            await _finished(asyncio.ensure_future(self._work()))
        except Exception as fault:  # noqa: BLE001 - whatever it is, the next time may go well
            if not self._failing:
                log.warning("periodic_work_fails", work=self._name, fault=type(fault).__name__)
            self._failing = True
        else:
            if self._failing:
                log.info("periodic_work_recovered", work=self._name)
            self._failing = False


async def _finished(work: asyncio.Future[object]) -> None:
    """Wait for the work; when cancelled, let it finish what it is at for a few seconds first."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        _, unfinished = await asyncio.wait([work], timeout=_GRACE_SECONDS)
        for late in unfinished:
            late.cancel()
        await asyncio.wait([work])
        raise
