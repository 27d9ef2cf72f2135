import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from auth_service.core.errors import Kind
from auth_service.methods.password.errors import Busy
from auth_service.methods.password.pool import HashingPool, MovingAverage

PATIENCE = 10  # seconds until a test gives up, never what it waits for


class Gate:
    """Work that begins, says so, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.opened.wait(PATIENCE)
        return "done"

    async def until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


@pytest.fixture
async def pool() -> AsyncIterator[HashingPool]:
    """One thread, and one place to wait."""
    pool = HashingPool(threads=1, queue=1)
    yield pool
    await pool.aclose()


@pytest.fixture
async def gate(pool: HashingPool) -> AsyncIterator[Gate]:
    """Work that occupies the one thread."""
    gate = Gate()
    occupied = asyncio.create_task(pool.run(gate))
    await gate.until_begun()
    yield gate
    gate.opened.set()
    await asyncio.wait([occupied])


async def queued(pool: HashingPool, work: Gate) -> "asyncio.Task[str]":
    task = asyncio.create_task(pool.run(work))
    await asyncio.sleep(0)  # the task runs up to where it waits
    return task


async def test_work_returns_its_result(pool: HashingPool) -> None:
    assert await pool.run(lambda: 42) == 42


async def test_an_error_in_the_work_reaches_its_caller(pool: HashingPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)
    assert (pool.running, pool.waiting) == (0, 0)


async def test_work_runs_on_a_thread_of_the_pool(pool: HashingPool) -> None:
    name = await pool.run(lambda: threading.current_thread().name)

    assert name.startswith("hashing")


@pytest.mark.skipif(sys.platform != "linux", reason="only there has a thread its own priority")
async def test_a_thread_of_the_pool_steps_back_and_the_event_loop_does_not(
    pool: HashingPool,
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    inside = await pool.run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    assert inside > before
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


async def test_a_thread_that_may_not_step_back_works_all_the_same(
    pool: HashingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)

    assert await pool.run(lambda: 42) == 42


async def test_a_platform_without_priorities_of_threads_is_left_alone(
    pool: HashingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "setpriority", lambda *_: calls.append(1))

    await pool.run(lambda: 42)

    assert calls == []


async def test_running_and_waiting_are_counted(pool: HashingPool, gate: Gate) -> None:
    second = Gate()
    task = await queued(pool, second)

    assert (pool.running, pool.waiting) == (1, 1)

    gate.opened.set()
    await second.until_begun()
    assert (pool.running, pool.waiting) == (1, 0)

    second.opened.set()
    assert await task == "done"
    assert (pool.running, pool.waiting) == (0, 0)


async def test_a_full_pool_refuses_at_once(pool: HashingPool, gate: Gate) -> None:
    task = await queued(pool, gate)

    with pytest.raises(Busy):
        await pool.run(lambda: pytest.fail("this must never run"))

    assert not gate.opened.is_set()
    gate.opened.set()
    assert await task == "done"


async def test_a_pool_without_a_queue_takes_as_many_as_it_has_threads() -> None:
    pool, gate = HashingPool(threads=1, queue=0), Gate()
    task = await queued(pool, gate)

    with pytest.raises(Busy):
        await pool.run(lambda: None)

    gate.opened.set()
    await task
    assert await pool.run(lambda: 42) == 42
    await pool.aclose()


async def test_busy_says_when_to_come_back_and_a_second_is_the_least(
    pool: HashingPool, gate: Gate
) -> None:
    task = await queued(pool, gate)

    with pytest.raises(Busy) as refusal:
        await pool.run(lambda: None)

    assert (refusal.value.kind, refusal.value.code) == (Kind.UNAVAILABLE, "busy")
    assert refusal.value.retry_after == 1
    gate.opened.set()
    await task


async def test_busy_expects_what_is_ahead_to_take_as_long_as_of_late(
    pool: HashingPool, gate: Gate
) -> None:
    pool._average.add(2.25)
    task = await queued(pool, gate)

    with pytest.raises(Busy) as refusal:
        await pool.run(lambda: None)

    assert refusal.value.retry_after == 5  # two are ahead: 4.5 s
    gate.opened.set()
    await task


async def test_a_caller_who_leaves_the_queue_frees_the_place_and_the_work_is_not_done(
    pool: HashingPool, gate: Gate
) -> None:
    left, next_one = Gate(), Gate()
    task = await queued(pool, left)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert (pool.running, pool.waiting) == (1, 0)

    follower = await queued(pool, next_one)
    next_one.opened.set()
    gate.opened.set()
    assert await follower == "done"
    assert not left.begun.is_set()


async def test_a_caller_who_leaves_while_the_work_runs_frees_the_thread_only_at_its_end(
    pool: HashingPool,
) -> None:
    gate = Gate()
    task = await queued(pool, gate)
    await gate.until_begun()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (pool.running, pool.waiting) == (1, 0)

    gate.opened.set()
    await pool.aclose()
    assert (pool.running, pool.waiting) == (0, 0)


async def test_closing_finishes_what_waits(pool: HashingPool, gate: Gate) -> None:
    task = await queued(pool, gate)
    gate.opened.set()

    await pool.aclose()

    assert await task == "done"


async def test_a_closed_pool_takes_nothing_and_counts_nothing(pool: HashingPool) -> None:
    await pool.aclose()

    with pytest.raises(RuntimeError):
        await pool.run(lambda: None)
    assert (pool.running, pool.waiting) == (0, 0)


def test_the_average_starts_with_the_first_time_and_follows_the_latest() -> None:
    average = MovingAverage()
    assert average.seconds == 0

    average.add(0.8)
    assert average.seconds == pytest.approx(0.8)

    average.add(1.6)
    assert average.seconds == pytest.approx(0.9)
