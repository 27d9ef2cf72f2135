"""The disk under SQLite is full: a clear error, and afterwards the database is as it was."""

import asyncio
import contextlib
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PASSWORD, SECRET
from tests.faults.watch import watched
from tests.running_server import serving

ENVIRONMENT = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "4",
    "AUTH_MAIL_URL": "smtp://127.0.0.1:1",
    **{
        f"AUTH_RATE_LIMIT_{name}": "1000000/minute"
        for name in ("LOGIN", "ANONYMOUS", "REFRESH", "USER", "MAIL", "MAIL_ADDRESS")
    },
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes, where one may be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast


async def test_a_full_disk_is_a_clear_error_and_leaves_the_database_whole(
    small_disk: Path, tmp_path: Path
) -> None:
    path = small_disk / "auth.db"
    environment = ENVIRONMENT | {"AUTH_DATABASE_URL": f"sqlite+aiosqlite:///{path}"}
    async with serving(environment, folder=tmp_path) as server:
        async with watched(server, "the disk under SQLite full for 2 s") as watch, watch.fault():
            ballast = await asyncio.to_thread(fill, small_disk)
            await asyncio.sleep(2)
            async with server.client() as http:
                body = {"email": "full@example.com", "password": PASSWORD}
                refused = await http.post("/auth/register", json=body)
            ballast.unlink()
        assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
        assert b"Traceback" not in server.log, server.log.decode()
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
