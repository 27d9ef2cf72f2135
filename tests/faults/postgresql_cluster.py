"""A PostgreSQL of a test's own: it may be stopped, killed, frozen, and told to refuse."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from tests.conftest import missing
from tests.running_server import free_port

_SETTINGS = """
listen_addresses = '127.0.0.1'
fsync = off
shared_buffers = 8MB
max_connections = 20
superuser_reserved_connections = 3
"""


class PostgresqlCluster:
    """One server, reached over TCP; ``url`` is for the service, which is no superuser."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = free_port()
        self.url = f"postgresql://service@127.0.0.1:{self.port}/auth"
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"

    def create(self) -> None:
        """Make the cluster, and in it the service's role and database."""
        self._run("initdb", "-D", self._data, "-U", "admin", "-A", "trust", "-E", "UTF8", "-N")
        configuration = self._data / "postgresql.conf"
        sockets = f"port = {self.port}\nunix_socket_directories = '{self._folder}'\n"
        with configuration.open("a") as file:
            file.write(_SETTINGS + sockets)
        self.start()
        self.execute("CREATE ROLE service LOGIN")
        self.execute("CREATE DATABASE auth OWNER service")

    def start(self) -> None:
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", log, "start")

    def stop(self) -> None:
        """End it at once, without a goodbye to those who are connected."""
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-m", "immediate", "stop")

    def freeze(self) -> None:
        """Every process of it stands still; connections stay open, and nothing is answered."""
        # The first one takes no new connections from here on, so that no child is missed.
        os.kill(self._process_id(), signal.SIGSTOP)
        self._signal_children(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_children(signal.SIGCONT)
        os.kill(self._process_id(), signal.SIGCONT)

    def execute(self, statement: str, database: str = "postgres") -> None:
        asyncio.run(self._execute(statement, database))

    async def _execute(self, statement: str, database: str) -> None:
        connection = await self.connect("admin", database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def connect(self, role: str = "service", database: str = "auth") -> Any:
        url = f"postgresql://{role}@127.0.0.1:{self.port}/{database}"
        return await asyncpg.connect(url)  # type: ignore[no-untyped-call]

    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def _process_id(self) -> int:
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def _signal_children(self, number: int) -> None:
        task = Path(f"/proc/{self._process_id()}/task/{self._process_id()}/children")
        for child in task.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        # PostgreSQL refuses to run as root.
        owner: Any = {"user": "postgres", "group": "postgres", "extra_groups": []}
        as_whom = owner if os.geteuid() == 0 else {}
        # Not piped: the server would keep the pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                cwd=self._folder,
                stdout=output,
                stderr=output,
                check=False,
                timeout=120,
                **as_whom,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


def _binaries() -> Path | None:
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True):
        return found.parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    """A new cluster, gone afterwards; skips the test, visibly, where that cannot be done."""
    binaries = _binaries()
    if binaries is None:
        missing("initdb of PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="auth-service-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                missing("the user postgres, since root may not run PostgreSQL,")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        cluster = PostgresqlCluster(binaries, folder)
        cluster.create()
        try:
            yield cluster
        finally:
            if cluster.is_running():
                with suppress(ProcessLookupError):
                    cluster.thaw()
                cluster.stop()
