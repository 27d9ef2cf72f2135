"""Three hundred clients that drip their requests, and nobody else notices."""

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import PASSWORD, SECRET, bearer
from tests.faults.reliability import note
from tests.running_server import RunningServer, serving

DRIPPERS = 300
TIMEOUT = 3.0
ENVIRONMENT = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "4",
    "AUTH_ACCESS_LOG": "false",
    "AUTH_HEADER_TIMEOUT": str(TIMEOUT),
    "AUTH_BODY_TIMEOUT": str(TIMEOUT),
    "AUTH_RATE_LIMIT_LOGIN": "100000/minute",
    "AUTH_RATE_LIMIT_ANONYMOUS": "100000/minute",
    "AUTH_RATE_LIMIT_USER": "100000/minute",
}
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
HEAD = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
Dripping = list[asyncio.Task[tuple[float, bytes]]]
BEGINNINGS = {"headers": HEAD, "bodies": HEAD + b"Content-Length: 1000\r\n\r\n"}


async def drip(server: RunningServer, beginning: bytes) -> tuple[float, bytes]:
    """Send a byte now and then until the server has enough; the seconds, and what it said."""
    began = monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    answer = asyncio.create_task(reader.read())
    with suppress(ConnectionError):
        writer.write(beginning)
        while not answer.done():
            writer.write(b"x")
            await writer.drain()
            await asyncio.wait([answer], timeout=0.5)
    writer.close()
    with suppress(ConnectionError):
        return monotonic() - began, await answer
    return monotonic() - began, b""


@asynccontextmanager
async def dripping(server: RunningServer, beginning: bytes) -> AsyncIterator[Dripping]:
    tasks = [asyncio.create_task(drip(server, beginning)) for _ in range(DRIPPERS)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()


async def reads(server: RunningServer, seconds: float) -> list[float]:
    """How long somebody waits for each of their answers meanwhile."""
    times = []
    async with server.client() as http:
        await http.post("/auth/register", json=CREDENTIALS)
        tokens = (await http.post("/auth/login", json=CREDENTIALS)).json()
        until = monotonic() + seconds
        while monotonic() < until:
            began = monotonic()
            answer = await http.get("/users/me", headers=bearer(tokens))
            assert answer.status_code == 200
            times.append(monotonic() - began)
            await asyncio.sleep(0.01)
    return times


@pytest.mark.parametrize("what", BEGINNINGS)
async def test_others_are_served_and_drips_are_cut_off(
    what: str, sqlite_url: str, tmp_path: Path
) -> None:
    environment = ENVIRONMENT | {"AUTH_DATABASE_URL": sqlite_url}
    async with serving(environment, folder=tmp_path) as server:
        before = statistics.median(await reads(server, 1))
        async with dripping(server, BEGINNINGS[what]) as tasks:
            during = await reads(server, TIMEOUT - 0.5)
            async with asyncio.timeout(TIMEOUT * 10):
                cut = await asyncio.gather(*tasks)
        assert (await reads(server, 0.2)) != []
    assert b"Traceback" not in server.log, server.log.decode()
    assert all(TIMEOUT * 0.9 < seconds < TIMEOUT * 5 for seconds, _ in cut)
    assert {said.split(b" ")[1] for _, said in cut if said} == {b"408"}
    assert statistics.median(during) < max(10 * before, 0.25)
    medians = [f"{statistics.median(times) * 1000:.0f} ms" for times in (during, [before])]
    note(
        f"{DRIPPERS} clients that drip {what}",
        clients_see=f"others: every answer, the median in {medians[0]} "
        f"({medians[1]} before); the drips: 408 after {TIMEOUT:.0f} s",
        until_normal=f"{max(seconds for seconds, _ in cut):.1f} s",
        lost="nothing",
    )
