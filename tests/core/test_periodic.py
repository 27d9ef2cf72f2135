"""Work done every so often goes on, whatever one of its turns runs into."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
import structlog
from structlog.testing import capture_logs

from auth_service.core.periodic import _lengthened, every

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


async def test_an_event_cuts_the_wait_short_and_is_taken_back() -> None:
    woken, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        done.set()

    task = asyncio.create_task(every(timedelta(hours=1), "waiting", work, woken=woken))
    woken.set()
    async with asyncio.timeout(10):
        await done.wait()
    assert not woken.is_set()
    await stopped(task)


async def test_without_the_event_the_interval_is_waited_for() -> None:
    turns = 0

    async def work() -> None:
        nonlocal turns
        turns += 1

    task = asyncio.create_task(every(MOMENT, "counting", work, woken=asyncio.Event()))
    await until(lambda: turns >= 3)
    await stopped(task)


def test_what_goes_on_failing_is_tried_less_often_up_to_half_a_minute() -> None:
    second, hour = timedelta(seconds=1), timedelta(hours=1)
    assert [_lengthened(second, failures) for failures in (0, 1, 3, 10, 10_000)] == [
        second,
        2 * second,
        8 * second,
        30 * second,
        30 * second,
    ]
    assert _lengthened(hour, 10) == hour


async def test_it_ends_even_where_it_is_woken_at_the_same_moment() -> None:
    woken = asyncio.Event()

    async def work() -> None:
        pass

    task = asyncio.create_task(every(timedelta(hours=1), "waiting", work, woken=woken))
    await asyncio.sleep(0)
    woken.set()
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done


async def test_what_is_under_way_when_it_is_stopped_comes_to_its_end() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.05)
        ended.set()

    task = asyncio.create_task(every(MOMENT, "slow", work))
    await begun.wait()
    await stopped(task)
    assert ended.is_set()


async def test_what_does_not_come_to_its_end_is_broken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("auth_service.core.periodic._GRACE_SECONDS", 0.01)
    begun, broken_off = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            broken_off.set()
            raise

    task = asyncio.create_task(every(MOMENT, "endless", work))
    await begun.wait()
    await stopped(task)
    assert broken_off.is_set()
