"""Debian's PgBouncer in transaction mode, before the tests' PostgreSQL."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.conftest import missing
from tests.running_server import free_port

START_SECONDS: Final = 10
_CONFIGURATION: Final = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {server_connections}
{startup_parameters}
"""
IGNORED: Final = (
    "ignore_startup_parameters = statement_timeout, lock_timeout, "
    "idle_in_transaction_session_timeout"
)


@asynccontextmanager
async def pgbouncer(
    folder: Path, database_url: str, *, server_connections: int = 4, startup_parameters: str = ""
) -> AsyncIterator[str]:
    """Run PgBouncer until the block ends; gives the URL of the same database behind it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        missing("PgBouncer")
    server = urlsplit(database_url)
    own_port = free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.hostname,
            port=server.port,
            user=server.username,
            own_port=own_port,
            server_connections=server_connections,
            startup_parameters=startup_parameters,
        )
    )
    as_nobody: tuple[str, ...] = ()
    if os.geteuid() == 0:  # as root it refuses to run
        as_nobody = ("-u", "nobody")
        for path in (configuration, *configuration.parents[:4]):
            path.chmod(path.stat().st_mode | 0o055)
    process = await asyncio.create_subprocess_exec(
        program, "-q", *as_nobody, str(configuration), stderr=asyncio.subprocess.PIPE
    )
    try:
        await _until_it_listens(process, own_port)
        yield database_url.replace(f":{server.port}/", f":{own_port}/")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _until_it_listens(process: asyncio.subprocess.Process, port: int) -> None:
    for _ in range(START_SECONDS * 50):
        if process.returncode is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())
