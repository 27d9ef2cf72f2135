"""Work done every so often goes on, whatever one of its turns runs into."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
import structlog
from structlog.testing import capture_logs

from auth_service.core.periodic import every

MOMENT = timedelta(milliseconds=1)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - the work under test knows of no event
            await asyncio.sleep(0.001)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_work_is_done_again_and_again_until_cancelled() -> None:
    turns = count()
    done = 0

    async def work() -> None:
        nonlocal done
        done = next(turns)

    task = asyncio.create_task(every(MOMENT, "counting", work))
    await until(lambda: done >= 3)
    await stopped(task)
    before = done
    await asyncio.sleep(0.02)
    assert done == before


async def test_the_first_turn_comes_after_the_interval() -> None:
    done = False

    async def work() -> None:
        nonlocal done
        done = True

    task = asyncio.create_task(every(timedelta(hours=1), "waiting", work))
    await asyncio.sleep(0.02)
    await stopped(task)
    assert not done


async def test_a_failure_is_logged_once_and_its_end_once() -> None:
    structlog.reset_defaults()
    turns = 0

    async def work() -> None:
        nonlocal turns
        turns += 1
        if turns <= 3:
            raise RuntimeError

    with capture_logs() as logs:
        task = asyncio.create_task(every(MOMENT, "failing", work))
        await until(lambda: turns >= 6)
        await stopped(task)
    assert [entry["event"] for entry in logs] == [
        "periodic_work_fails",
        "periodic_work_recovered",
    ]
    assert logs[0]["fault"] == "RuntimeError"
    assert {entry["work"] for entry in logs} == {"failing"}
