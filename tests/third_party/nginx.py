"""Debian's nginx with the configuration that the documentation shows."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.conftest import missing
from tests.docs.code_blocks import block_named
from tests.running_server import free_port

START_SECONDS: Final = 10
STOP_SECONDS: Final = 10
# Everything that nginx writes stays in its folder; one process, ended by its id.
_AROUND: Final = """
daemon off;
{process}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/protected.conf;
}}
"""


@asynccontextmanager
async def nginx(folder: Path, *, auth_port: int, application_port: int) -> AsyncIterator[str]:
    """Run nginx before an application, as the page shows it, until the block ends."""
    port = free_port()
    shown = block_named("protected.conf")
    for printed, real in {8000: auth_port, 9000: application_port, 8080: port}.items():
        assert shown.count(f"127.0.0.1:{printed};") == 1
        shown = shown.replace(f"127.0.0.1:{printed};", f"127.0.0.1:{real};")
    async with running_nginx(folder, shown, port) as url:
        yield url


@asynccontextmanager
async def running_nginx(
    folder: Path, configuration: str, port: int, *, can_reload: bool = False
) -> AsyncIterator[str]:
    """Run nginx with some configuration until the block ends; gives its address.

    With ``can_reload`` it has a master, which ``reload`` has read another configuration.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx")
    process_line = "worker_processes 1; user root;" if can_reload else "master_process off;"
    _write(folder, configuration, process_line)
    arguments = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stderr=asyncio.subprocess.PIPE
    )
    try:
        await _until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        _, said = await asyncio.wait_for(process.communicate(), STOP_SECONDS)
    assert process.returncode == 0, said.decode()


def reload(folder: Path, configuration: str) -> None:
    """Have new connections handled by another configuration, the old ones to their end."""
    (folder / "protected.conf").write_text(configuration)
    os.kill(int((folder / "nginx.pid").read_text()), signal.SIGHUP)


def _write(folder: Path, configuration: str, process: str) -> None:
    """The configuration, and what stands around it."""
    folder.mkdir()
    (folder / "protected.conf").write_text(configuration)
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, process=process))


async def _until_it_listens(process: asyncio.subprocess.Process, port: int) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(START_SECONDS * 20):
            if process.returncode is not None:
                break
            try:
                await http.get(f"http://127.0.0.1:{port}/_validate")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
    if process.returncode is None:
        process.kill()
    _, said = await process.communicate()
    raise AssertionError(f"nginx did not start:\n{said.decode()}")
