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
_LONGEST_PAUSE: Final = timedelta(seconds=30)
_MOST_DOUBLINGS: Final = 16
_GRACE_SECONDS: Final = 5


async def every(
    interval: timedelta,
    name: str,
    work: Callable[[], Awaitable[object]],
    *,
    woken: asyncio.Event | None = None,
) -> None:
    """Do the work each time the interval has passed, until cancelled; a failure is only logged.

    The interval is shortened by up to a tenth, at random, so that workers which started together
    do not all ask at the same moment. An event that is set cuts it short. What goes on failing is
    logged once, and once when it works again; meanwhile the interval doubles, up to half a minute
    where it is shorter than that.
    """
    failures = 0
    while True:
        await _pause(_lengthened(interval, failures), woken)
        try:
            await _finished(asyncio.ensure_future(work()))
        except Exception as fault:  # noqa: BLE001 - whatever it is, the next time may go well
            if not failures:
                log.warning("periodic_work_fails", work=name, fault=type(fault).__name__)
            failures += 1
        else:
            if failures:
                log.info("periodic_work_recovered", work=name)
            failures = 0


def _lengthened(interval: timedelta, failures: int) -> timedelta:
    longest = max(interval, _LONGEST_PAUSE)
    return min(interval * 2.0 ** min(failures, _MOST_DOUBLINGS), longest)


async def _pause(length: timedelta, woken: asyncio.Event | None) -> None:
    seconds = length.total_seconds() * (1 - _JITTER * random.random())  # noqa: S311 - spreads load, hides nothing
    if woken is None:
        await asyncio.sleep(seconds)
        return
    # Not `wait_for`: before Python 3.12 it forgets that it was cancelled where the event is set at
    # the same moment, and the loop would go on for ever.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()
    woken.clear()


async def _finished(work: asyncio.Future[object]) -> None:
    """Wait for the work; when cancelled, let it finish what it is at for a few seconds first."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work], timeout=_GRACE_SECONDS)
        work.cancel()
        await asyncio.wait([work])
        raise
