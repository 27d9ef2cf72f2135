"""Asynchronous work done apart from whoever waits for it."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")
_THREAD_NAME: Final = "auth-service-verifier"


def run_apart(errand: Callable[[], Coroutine[Any, Any, _Result]]) -> Future[_Result]:
    """Do it in a thread and an event loop of its own, which end with it.

    Any thread can wait for the future, and any event loop (``asyncio.wrap_future``). It counts as
    running from the start, so that one who gives up waiting cancels nothing for the others.
    """
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()
    try:
        Thread(target=_run, args=(errand, future), name=_THREAD_NAME, daemon=True).start()
    except RuntimeError as fault:  # no more threads, or the interpreter is about to end
        future.set_exception(fault)
    return future


def _run(errand: Callable[[], Coroutine[Any, Any, _Result]], future: Future[_Result]) -> None:
    try:
        with asyncio.Runner() as runner:
            runner.run(_settle(errand, future))
    except BaseException as fault:  # noqa: BLE001 - whatever it is, somebody waits to hear of it
        if not future.done():
            future.set_exception(fault)


async def _settle(
    errand: Callable[[], Coroutine[Any, Any, _Result]], future: Future[_Result]
) -> None:
    """Tell the result before the loop is closed, which can wait for a slow look-up of a name."""
    try:
        result = await errand()
    except Exception as fault:  # noqa: BLE001 - likewise
        future.set_exception(fault)
    else:
        future.set_result(result)
