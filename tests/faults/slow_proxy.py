"""A way to a server on which answers can be made to take longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowProxy:
    """Passes bytes on to a port of this machine; what comes back waits for ``delay`` seconds."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        self._target = target

    @classmethod
    @asynccontextmanager
    async def before(cls, target: int) -> AsyncIterator["SlowProxy"]:
        """Listen until the block ends."""
        proxy = cls(target)
        server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._pass_on(reader, ahead, slow=False), self._pass_on(behind, writer, slow=True)
        )

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
        writer.close()
