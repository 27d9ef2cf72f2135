"""Somebody else's service on loopback, which gets deliveries and misbehaves on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Delivery:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``status`` is what it answers; ``manner`` how."""

    url: str = ""
    status: str = "204 No Content"
    manner: str = "plain"
    deliveries: list[Delivery] = field(default_factory=list)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line]
            headers = {name.lower(): value for name, value in lines}
            body = await reader.readexactly(int(headers["content-length"]))
            self.deliveries.append(Delivery(headers, body))
            await self._answer(writer)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        if self.manner == "stall":
            await asyncio.sleep(3600)
        if self.manner == "die":
            return
        head = f"HTTP/1.1 {self.status}\r\nLocation: {self.url}/elsewhere\r\n"
        writer.write(f"{head}Content-Length: 1000000\r\n\r\n".encode())
        await writer.drain()
        if self.manner == "drip":
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    found = Receiver()
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    try:
        yield found
    finally:
        server.close()
