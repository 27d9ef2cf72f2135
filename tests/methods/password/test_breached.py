"""Asking whether a password is known from a breach: nothing is told, and nobody waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from auth_service.methods.password import breached
from auth_service.methods.password.breached import BUDGET_SECONDS, RangeLookup
from tests.methods.password.range_server import RangeServer, answer, digits_of, range_server

KNOWN = "correct horse battery staple"


@pytest.fixture
async def server() -> AsyncIterator[RangeServer]:
    async with range_server() as found:
        found.known = [KNOWN]
        yield found


@pytest.fixture
async def lookup(
    server: RangeServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RangeLookup]:
    """One with the patience that a busy machine asks for, but for the test of its impatience."""
    if "budget" not in request.function.__name__:
        monkeypatch.setattr(breached, "BUDGET_SECONDS", 10.0)
    found = RangeLookup(server.url)
    yield found
    await found.aclose()


async def test_a_breached_password_is_known_and_another_is_not(lookup: RangeLookup) -> None:
    assert await lookup.has(KNOWN)
    assert not await lookup.has("difference engine 1822")


async def test_five_digits_are_all_that_is_told_and_the_answer_is_padded(
    lookup: RangeLookup, server: RangeServer
) -> None:
    await lookup.has(KNOWN)
    [request] = server.requests
    assert request.startswith(f"GET /range/{digits_of(KNOWN)[:5]} HTTP/1.1\r\n")
    assert digits_of(KNOWN)[5:15] not in request
    assert "add-padding: true" in request.lower()


async def test_a_line_of_padding_is_no_breach(lookup: RangeLookup, server: RangeServer) -> None:
    server.answer = answer(f"{digits_of(KNOWN)[5:]}:0")
    assert not await lookup.has(KNOWN)


@pytest.mark.parametrize(
    ("count", "known"),
    [("9" * 5000, True), ("0" * 5000, False), ("x", False)],
    ids=["nines", "zeros", "a letter"],
)
async def test_a_count_is_no_number_to_be_read(
    lookup: RangeLookup, server: RangeServer, count: str, *, known: bool
) -> None:
    server.answer = answer(f"{digits_of(KNOWN)[5:]}:{count}")
    assert await lookup.has(KNOWN) is known


async def test_an_answer_is_remembered(lookup: RangeLookup, server: RangeServer) -> None:
    assert [await lookup.has(KNOWN) for _ in range(3)] == [True] * 3
    assert len(server.requests) == 1


async def test_an_answer_is_remembered_for_an_hour_only(
    lookup: RangeLookup, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breached, "ANSWER_SECONDS", -1.0)
    assert [await lookup.has(KNOWN) for _ in range(2)] == [True] * 2
    assert len(server.requests) == 2


async def test_so_many_answers_are_remembered_and_no_more(
    lookup: RangeLookup, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breached, "MOST_ANSWERS", 1)
    for password in (KNOWN, "another", KNOWN):
        await lookup.has(password)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "broken",
    [
        answer("", "500 Oops"),
        answer("", "302 Found\r\nLocation: http://127.0.0.1:1/"),
        answer("x" * 300_000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff",
        b"\0",
    ],
)
async def test_an_answer_that_is_none_counts_as_unknown(
    lookup: RangeLookup, server: RangeServer, broken: bytes
) -> None:
    server.answer = broken
    assert not await lookup.has(KNOWN)


@pytest.mark.parametrize("line", ["", ":", "abc", "{0}:many", "{0}", "{0}:"])
async def test_a_line_that_is_none_is_passed_over(
    lookup: RangeLookup, server: RangeServer, line: str
) -> None:
    server.answer = answer(line.format(digits_of(KNOWN)[5:]))
    assert not await lookup.has(KNOWN)


async def test_nobody_waits_longer_than_the_budget(
    lookup: RangeLookup, server: RangeServer
) -> None:
    server.pause = 10
    began = time.perf_counter()
    assert not await lookup.has(KNOWN)
    assert time.perf_counter() - began < BUDGET_SECONDS + 1


async def test_after_a_failure_nothing_is_asked_for_a_while_and_one_line_says_so(
    lookup: RangeLookup, server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = answer("", "500 Oops")
    with capture_logs() as logs:
        for password in ("one", "two", "three"):
            assert not await lookup.has(password)
    assert len(server.requests) == 1
    assert [line["event"] for line in logs] == ["breached_passwords_unreachable"]
    server.answer = None
    lookup._silent_until = 0.0
    assert await lookup.has(KNOWN)


async def test_any_password_can_be_asked_about(lookup: RangeLookup) -> None:
    assert not await lookup.has("\ud800\0é" * 100)


async def test_parallel_failures_are_logged_once(lookup: RangeLookup, server: RangeServer) -> None:
    server.answer = answer("", "500 Oops")
    with capture_logs() as logs:
        await asyncio.gather(*(lookup.has(str(number)) for number in range(5)))
    assert len(logs) == 1
