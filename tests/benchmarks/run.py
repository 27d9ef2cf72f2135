"""Measure the service beside a bare FastAPI app that does the same work, in one run.

Needs PostgreSQL (TEST_POSTGRESQL_URL) and wrk. Two workers each, the same database server. The
two are measured in turn, round by round; medians and their ratio are printed. On a shared machine
only the ratio says something.

    python -m tests.benchmarks.run [--rounds 3] [--seconds 5] [--json FILE]
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import SECRET, new_postgresql_database
from tests.running_server import free_port

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PASSWORD = "a long enough password"
USERS = 16
SCENARIOS = {
    # name: (our route, wrk connections, the bare route)
    "current user": ("me", "/users/me", 16, "/row"),
    "refresh": ("refresh", "/auth/refresh", 16, "/rotation"),
    "login": ("login", "/auth/login", 8, "/hash"),
}


@dataclass
class Server:
    """A started server: its address, its process group, how long it took to answer."""

    url: str
    process: subprocess.Popen[bytes]
    start_seconds: float

    def worker_megabytes(self) -> float:
        """The proportional memory of the largest process: a worker."""
        listing = subprocess.run(
            ["pgrep", "-g", str(self.process.pid)], capture_output=True, text=True, check=True
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
            yield Server(url, process, time.perf_counter() - started)
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


def wrk(url: str, mode: str, path: str, lines: list[str], connections: int, seconds: int) -> Any:
    """Run wrk; requests per second and p99 in milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        load = {"MODE": mode, "PATH": path, "FILE": file.name, "PASSWORD": PASSWORD}
        size = str(connections)
        result = subprocess.run(
            [
                *("wrk", "-t", size, "-c", size, "-d", f"{seconds}s", "--timeout", "30s"),
                *("-s", str(HERE / "load.lua"), url),
            ],
            env=os.environ | {f"LOAD_{name}": value for name, value in load.items()},
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", result.stdout)
    if found is None:
        raise SystemExit(result.stdout + result.stderr)
    good, wrong, microseconds, p99 = map(int, found.groups())
    if wrong:
        print(f"  {wrong} wrong answers on {path}: {result.stdout.rpartition('SAMPLE')[2].strip()}")
    return good / (microseconds / 1e6), p99 / 1000


async def prepared_users(url: str) -> list[dict[str, str]]:
    """Users who have logged in: their address and tokens."""
    users = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        for number in range(USERS):
            who = {"email": f"bench{number}@example.com", "password": PASSWORD}
            await http.post("/auth/register", json=who)
            answer = await http.post("/auth/login", json=who)
            users.append(who | answer.json())
        first = {"Authorization": f"Bearer {users[0]['access_token']}"}
        users[0]["id"] = (await http.get("/users/me", headers=first)).json()["id"]
    return users


def lines_for(mode: str, url: str, users: list[dict[str, str]]) -> list[str]:
    """What each connection of a scenario starts with; refresh tokens are fetched fresh."""
    if mode == "login":
        return [user["email"] for user in users]
    if mode == "me":
        return [user["access_token"] for user in users]
    fresh = []
    for user in users:
        body = {"email": user["email"], "password": PASSWORD}
        fresh.append(httpx.post(f"{url}/auth/login", json=body, timeout=60).json()["refresh_token"])
    return fresh


def cold_starts(environment: dict[str, str], rounds: int) -> dict[str, float]:
    """Seconds from the command to the first answer, one worker, medians."""
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(rounds):
        for name, command in (("ours", ours), ("bare", bare)):
            port = free_port()
            with running(command(port, 1), environment, port) as server:
                found[name].append(server.start_seconds)
    return {name: statistics.median(values) for name, values in found.items()}


def measure(arguments: argparse.Namespace, url: str) -> dict[str, Any]:
    """Everything, as a dictionary."""
    environment = (
        {k: v for k, v in os.environ.items() if not k.startswith("AUTH_")}
        | {
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": url.replace("postgresql://", "postgresql+asyncpg://"),
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_BCRYPT_ROUNDS": str(arguments.rounds_of_bcrypt),
            "AUTH_ACCESS_LOG": "false",
            "AUTH_LOG_LEVEL": "error",
        }
        | {
            f"AUTH_RATE_LIMIT_{name}": "100000000/minute"
            for name in ("LOGIN", "ANONYMOUS", "REFRESH", "USER")
        }
    )
    our_port, bare_port = free_port(), free_port()
    results: dict[str, Any] = {}
    with running(ours(our_port, 2), environment, our_port) as our_server:
        users = asyncio.run(prepared_users(our_server.url))
        environment["BARE_ROW"] = users[0]["id"]
        with running(bare(bare_port, 2), environment, bare_port) as bare_server:
            for name, (mode, path, connections, bare_path) in SCENARIOS.items():
                pairs = []
                for _ in range(arguments.rounds):
                    lines = lines_for(mode, our_server.url, users)
                    mine = wrk(our_server.url, mode, path, lines, connections, arguments.seconds)
                    other = wrk(
                        bare_server.url, "get", bare_path, ["-"], connections, arguments.seconds
                    )
                    pairs.append((mine, other))
                results[name] = _medians(pairs)
            results["megabytes per worker"] = {
                "ours": our_server.worker_megabytes(),
                "bare": bare_server.worker_megabytes(),
            }
    results["cold start, seconds"] = cold_starts(environment, arguments.rounds)
    return results


def _medians(pairs: list[Any]) -> dict[str, float]:
    return {
        "ours": statistics.median(mine[0] for mine, _ in pairs),
        "bare": statistics.median(other[0] for _, other in pairs),
        "ours p99 ms": statistics.median(mine[1] for mine, _ in pairs),
        "bare p99 ms": statistics.median(other[1] for _, other in pairs),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds-of-bcrypt", type=int, default=12)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    with new_postgresql_database(f"auth_bench_{os.getpid()}") as url:
        results = measure(arguments, url)
    print(f"{'':22}{'ours':>10}{'bare':>10}{'ratio':>8}   p99 ms ours / bare")
    for name, row in results.items():
        p99 = (
            f"{row['ours p99 ms']:>10.1f} / {row['bare p99 ms']:.1f}"
            if "ours p99 ms" in row
            else ""
        )
        print(
            f"{name:22}{row['ours']:>10.2f}{row['bare']:>10.2f}"
            f"{row['ours'] / row['bare']:>8.2f}{p99}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
