"""Work done apart: whoever waits hears how it ended, however it ended."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from auth_service.verifier.errand import run_apart


async def succeed() -> int:
    return threading.get_ident()


async def fail() -> int:
    raise LookupError("no such thing")


async def give_up() -> int:
    raise asyncio.CancelledError


async def test_it_is_done_in_another_thread() -> None:
    assert await asyncio.wrap_future(run_apart(succeed)) != threading.get_ident()


def test_a_failure_is_told() -> None:
    with pytest.raises(LookupError, match="no such thing"):
        run_apart(fail).result()


def test_one_that_gives_up_leaves_nobody_waiting() -> None:
    assert isinstance(run_apart(give_up).exception(), asyncio.CancelledError)


def test_it_cannot_be_cancelled_by_who_waits() -> None:
    errand = run_apart(succeed)
    assert errand.cancel() is False
    assert errand.result() != threading.get_ident()


def test_what_fails_after_the_result_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closing: Future[None] = Future()

    whole = asyncio.Runner.close

    def close(runner: asyncio.Runner) -> None:
        whole(runner)
        closing.set_result(None)
        raise OSError("too late")

    monkeypatch.setattr(asyncio.Runner, "close", close)
    errand = run_apart(succeed)
    closing.result(10)
    assert errand.result() != threading.get_ident()


def test_where_no_thread_can_start_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        run_apart(succeed).result()
