"""Servers to be measured: this service, and a bare FastAPI app on the same database."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import SECRET

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Server:
    """A started server: its address, its process group, how long it took to answer."""

    url: str
    group: int
    start_seconds: float

    def worker_megabytes(self) -> float:
        """The proportional memory of the largest process: a worker."""
        listing = subprocess.run(
            ["pgrep", "-g", str(self.group)], capture_output=True, text=True, check=True
        )
        return max(_pss_megabytes(pid) for pid in listing.stdout.split())


def _pss_megabytes(pid: str) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int) -> Iterator[Server]:
    """Start a server in a process group of its own; end it afterwards."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=ROOT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process)
            yield Server(url, process.pid, time.perf_counter() - started)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        try:
            httpx.get(f"{url}/healthz", timeout=5)
        except httpx.TransportError:
            if process.poll() is not None:
                raise SystemExit(f"{url} did not start") from None
            time.sleep(0.01)
        else:
            return


def ours(port: int, workers: int) -> list[str]:
    """Our command line."""
    return [sys.executable, "-m", "auth_service", "serve", f"--port={port}", f"--workers={workers}"]


def bare(port: int, workers: int) -> list[str]:
    """The bare app under the same server."""
    return [
        *(sys.executable, "-m", "uvicorn", "tests.benchmarks.bare:app", f"--port={port}"),
        *(f"--workers={workers}", "--loop=uvloop", "--http=httptools", "--no-access-log"),
    ]


def environment_of(url: str, *, rounds_of_bcrypt: int, **settings: str) -> dict[str, str]:
    """Settings of a server that is measured: limits out of reach, not off; no log of requests."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AUTH_")}
    limits = ("LOGIN", "ANONYMOUS", "REFRESH", "USER")
    return (
        inherited
        | {
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": url.replace("postgresql://", "postgresql+asyncpg://"),
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_BCRYPT_ROUNDS": str(rounds_of_bcrypt),
            "AUTH_ACCESS_LOG": "false",
            "AUTH_LOG_LEVEL": "error",
        }
        | {f"AUTH_RATE_LIMIT_{name}": "100000000/minute" for name in limits}
        | settings
    )
