"""SIGTERM under load: what was taken up is answered, and the process ends by itself."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.conftest import PASSWORD, SECRET, bearer
from tests.faults.reliability import note
from tests.running_server import RunningServer, serving

CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
SETTINGS = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "10",
    "AUTH_RATE_LIMIT_LOGIN": "100000/minute",
    "AUTH_RATE_LIMIT_USER": "100000/minute",
    "AUTH_LOG_FORMAT": "json",
    "AUTH_SHUTDOWN_TIMEOUT": "10",
}


@dataclass
class Load:
    """Clients that ask without pause, and what became of each request."""

    answered: dict[str, int] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    after_signal: set[str] = field(default_factory=set)
    signalled: bool = False

    async def ask(self, name: str, request: Callable[[str], Awaitable[httpx.Response]]) -> None:
        """Ask until the server takes no more connections."""
        for number in range(100_000):
            request_id = f"{name}-{number}"
            try:
                answer = await request(request_id)
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                self.cut_off.add(request_id)
                return
            self.answered[request_id] = answer.status_code
            if self.signalled:
                self.after_signal.add(request_id)


def logged(server: RunningServer) -> dict[str, int]:
    """The requests that the server took up, with the status it gave."""
    events = [json.loads(line) for line in server.log.splitlines() if line.startswith(b"{")]
    return {e["request_id"]: e["status"] for e in events if e["event"] == "request"}


async def stopped_under_load(server: RunningServer) -> tuple[Load, int]:
    """Four clients read and four log in for a second, then comes SIGTERM."""
    load = Load()
    async with server.client() as http:
        await http.post("/auth/register", json=CREDENTIALS)
        tokens: dict[str, Any] = (await http.post("/auth/login", json=CREDENTIALS)).json()

        def read(request_id: str) -> Awaitable[httpx.Response]:
            return http.get("/users/me", headers={**bearer(tokens), "X-Request-ID": request_id})

        def log_in(request_id: str) -> Awaitable[httpx.Response]:
            headers = {"X-Request-ID": request_id}
            return http.post("/auth/login", json=CREDENTIALS, headers=headers)

        clients = [
            asyncio.create_task(load.ask(f"{request.__name__}-{number}", request))
            for request in (read, log_in)
            for number in range(4)
        ]
        await asyncio.sleep(1)
        load.signalled = True
        code = await server.stop()
        await asyncio.wait_for(asyncio.gather(*clients), 10)
    return load, code


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_every_request_that_was_taken_up_is_answered(
    workers: str, database_url: str, tmp_path: Path
) -> None:
    settings = SETTINGS | {"AUTH_DATABASE_URL": database_url, "AUTH_WORKERS": workers}
    async with serving(settings, folder=tmp_path) as server:
        load, code = await stopped_under_load(server)
    assert code == 0
    taken_up = logged(server)
    assert taken_up.keys() & load.cut_off == set()
    clients = {
        id_: status for id_, status in taken_up.items() if id_.startswith(("read", "log_in"))
    }
    assert clients == load.answered
    assert set(load.answered.values()) == {200}
    assert load.after_signal  # the signal came while there was work
    note(
        "SIGTERM under load",
        clients_see="an answer to every request that was taken up, then refused connections",
        until_normal="the next start",
        lost=f"nothing ({len(load.after_signal)} requests were answered after the signal)",
    )


async def test_a_client_that_never_finishes_holds_nothing_up(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = SETTINGS | {"AUTH_DATABASE_URL": sqlite_url, "AUTH_SHUTDOWN_TIMEOUT": "1"}
    async with serving(settings, folder=tmp_path) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        await writer.drain()
        await asyncio.sleep(0.2)
        started = monotonic()
        assert await server.stop() == 0
        # The limit for a body alone would be 20 seconds.
        assert monotonic() - started < 15
        writer.close()
        await reader.read()


async def test_an_idle_connection_holds_nothing_up(sqlite_url: str, tmp_path: Path) -> None:
    settings = SETTINGS | {"AUTH_DATABASE_URL": sqlite_url, "AUTH_SHUTDOWN_TIMEOUT": "30"}
    async with serving(settings, folder=tmp_path) as server, server.client() as http:
        await http.get("/healthz")
        assert await server.stop() == 0
    assert b"graceful shutdown exceeded" not in server.log


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_ctrl_c_is_a_clean_end_too(sqlite_url: str, tmp_path: Path, workers: str) -> None:
    settings = SETTINGS | {"AUTH_DATABASE_URL": sqlite_url, "AUTH_WORKERS": workers}
    async with serving(settings, folder=tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(server.process.wait(), 20) == 0
    assert b"Traceback" not in server.log
