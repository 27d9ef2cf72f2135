"""The service as a process of its own: what a user meets."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

START_SECONDS = 30
STOP_SECONDS = 20
LOG_SECONDS = 10


@dataclass
class RunningServer:
    """A started server; ``log`` fills up as it prints."""

    url: str
    port: int
    process: asyncio.subprocess.Process
    log: bytearray = field(default_factory=bytearray)

    def client(self, **options: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=30, **options)  # type: ignore[arg-type]

    async def logged(self, pattern: bytes, times: int = 1) -> list[bytes]:
        """Wait until a pattern has been printed so often: a line comes after its answer."""
        for _ in range(LOG_SECONDS * 50):
            found: list[bytes] = re.findall(pattern, self.log)
            if len(found) >= times:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"not printed: {pattern!r}\n{self.log.decode(errors='replace')}")

    async def stop(self) -> int:
        """End it as an operator would, and give its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            raise

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while chunk := await self.process.stdout.read(65536):
            self.log.extend(chunk)


NewServer = Callable[..., AbstractAsyncContextManager[RunningServer]]
"""Starts a server with settings of its own: ``async with new_server(AUTH_…="…") as server``."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(
    environment: dict[str, str],
    *,
    folder: Path,
    arguments: tuple[str, ...] = (),
    is_issuer: bool = False,
    program: tuple[str, ...] = ("auth_service",),
    port: int | None = None,
) -> AsyncIterator[RunningServer]:
    """Run `auth-service serve` in a folder until the block ends.

    With ``is_issuer`` its own address is its issuer, as it is for whoever runs it for real.
    ``program`` is the module that is run instead, with what comes before ``serve``.
    """
    port = port or free_port()
    if is_issuer:
        environment = environment | {"AUTH_ISSUER": f"http://127.0.0.1:{port}"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AUTH_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *program,
        "serve",
        "--port",
        str(port),
        *arguments,
        cwd=folder,
        env=inherited | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    server = RunningServer(f"http://127.0.0.1:{port}", port, process)
    reading = asyncio.create_task(server._read())
    try:
        await _until_it_answers(server)
        yield server
    finally:
        if process.returncode is None:
            await server.stop()
        await reading


async def _until_it_answers(server: RunningServer) -> None:
    async with server.client() as http:
        for _ in range(START_SECONDS * 20):
            if server.process.returncode is not None:
                break
            try:
                await http.get("/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
    raise AssertionError(f"the server did not start:\n{server.log.decode(errors='replace')}")
