"""HTTP/1.1 byte by byte: what no well-behaved library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

_PATIENCE_SECONDS = 20
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came: names in lower case, the body whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def faults(self, *, oauth: bool, marker: bytes) -> list[str]:
        """What is wrong with it as the answer to bad input that holds the marker."""
        found = []
        if self.status >= 500:
            found.append(f"status {self.status}")
        if "server" in self.headers:
            found.append("names its server")
        if self.status >= 400 and marker in self.body + str(self.headers).encode():
            found.append("repeats what was sent")
        if self.status >= 400 and self.body and not self._is_error(oauth=oauth):
            found.append(f"{self.status} in another form: {self.body[:80]!r}")
        return found

    def _is_error(self, *, oauth: bool) -> bool:
        document: Any = json.loads(self.body)
        # What is no HTTP has no address either, so it is answered alike everywhere.
        if oauth and document.get("code") not in {"malformed_http", "headers_too_large"}:
            media_type, members = "application/json", {"error", "error_description"}
        else:
            media_type, members = "application/problem+json", PROBLEM_MEMBERS
        return self.headers["content-type"] == media_type and members <= set(document)


class RawConnection:
    """One connection; requests go one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, request: bytes, *, head: bool = False) -> RawAnswer:
        """Send a whole request, as it is, and read its answer (which for HEAD has no body)."""
        self._writer.write(request)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            status, headers = await self._read_head()
            while status == 100:
                status, headers = await self._read_head()
            length = 0 if head else int(headers.get("content-length", "0"))
            body = await self._reader.readexactly(length)
        return RawAnswer(status, headers, body)

    async def _read_head(self) -> tuple[int, dict[str, str]]:
        text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.strip().split("\r\n")
        parts = (line.partition(":") for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in parts}

    async def is_usable(self) -> bool:
        """Whether the connection goes on to serve."""
        answer = await self.send(request("GET", "/healthz"))
        return answer.status == 200


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[RawConnection]:
    """A connection to a server on this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()


def request(
    method: str, path: str | bytes, body: bytes | None = None, **headers: str | bytes
) -> bytes:
    """A request; header names are given with underscores."""
    target = path if isinstance(path, bytes) else path.encode()
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), b"Host: 127.0.0.1"]
    for name, value in headers.items():
        text = value if isinstance(value, bytes) else value.encode()
        lines.append(b"%b: %b" % (name.replace("_", "-").encode(), text))
    if body is not None and "Transfer_Encoding" not in headers:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body or b""])


def chunked(body: bytes, size: int = 4096) -> bytes:
    """A body in chunks, so that nothing says beforehand how long it is."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
