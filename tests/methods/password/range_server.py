"""A range API on loopback, which can be slow, broken, or answer anything."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


def digits_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class RangeServer:
    """``known`` are breached; ``answer`` replaces what is sent, ``pause`` comes before it."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.answer: bytes | None = None
        self.pause = 0.0
        self.requests: list[str] = []
        self.url = ""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            await asyncio.sleep(self.pause)
            writer.write(self.answer or self._range(head.split(" ")[1].rpartition("/")[2]))
            await writer.drain()
        writer.close()

    def _range(self, prefix: str) -> bytes:
        lines = [f"{'0' * 35}:0", f"{'F' * 35}:3"]
        lines += [
            f"{digits_of(password)[5:]}:42"
            for password in self.known
            if digits_of(password).startswith(prefix)
        ]
        return answer("\r\n".join(lines))


def answer(body: str, status: str = "200 OK") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


@asynccontextmanager
async def range_server() -> AsyncIterator[RangeServer]:
    found = RangeServer()
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    async with server:
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/range"
        yield found
