"""Work that a process does every so often beside its requests."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

log = structlog.get_logger()
_JITTER: Final = 0.1


async def every(interval: timedelta, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do the work each time the interval has passed, until cancelled; a failure is only logged.

    The interval is shortened by up to a tenth, at random, so that workers which started together
    do not all ask at the same moment. What goes on failing is logged once, and once when it works
    again.
    """
    failing = False
    while True:
        await asyncio.sleep(interval.total_seconds() * (1 - _JITTER * random.random()))  # noqa: S311 - spreads load, hides nothing
        try:
            await work()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the next time may go well
            if not failing:
                log.warning("periodic_work_fails", work=name, fault=type(fault).__name__)
            failing = True
        else:
            if failing:
                log.info("periodic_work_recovered", work=name)
            failing = False
