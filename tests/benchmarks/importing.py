"""Measure `users import` and `users export` with a file of 100,000 accounts.

Seconds are those of the whole command, from its start to its exit; on a machine that does other
things as well, those that it worked say more. Memory is the most that its process ever had in RAM.
Needs PostgreSQL (TEST_POSTGRESQL_URL).

    python -m tests.benchmarks.importing [--accounts 100000] [--sqlite]
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import SECRET, migrated, new_postgresql_database

HASH = "scrypt:32768:8:1$uOewriAFBgtx7OZv$" + "ca" * 64
HEADER = "email,password_hash,email_verified,roles,created_at\n"


def write_accounts(path: Path, accounts: int) -> None:
    """A file of accounts as the Flask service has them."""
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(accounts):
            made = f"2024-05-06 07:08:09.{number % 1_000_000:06}"
            email = f"person{number}@example{number % 500}.com"
            file.write(f"{email},{HASH},{number % 2},user,{made}\n")


def measured(url: str, folder: Path, *arguments: str) -> tuple[float, float, float]:
    """Seconds a command takes, those of one core that it worked, and the MiB it had at most."""
    environment = {name: value for name, value in os.environ.items() if name[:5] != "AUTH_"}
    environment |= {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": url,
        "AUTH_SECRET_KEYS": SECRET,
    }
    started, worked = time.perf_counter(), _core_seconds()
    process = subprocess.Popen(
        [sys.executable, "-m", "auth_service", "users", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    most = 0.0
    while process.poll() is None:
        most = max(most, _megabytes(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"users {' '.join(arguments)} failed")
    return time.perf_counter() - started, _core_seconds() - worked, most


def _core_seconds() -> float:
    """What the processes that were started here and have ended worked."""
    used = os.times()
    return used.children_user + used.children_system


def _megabytes(pid: int) -> float:
    """The most that a process has had in RAM so far; nothing once it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def measure(name: str, url: str, accounts: int) -> None:
    """Import, the same again, a dry run, an export: printed as they are done."""
    asyncio.run(migrated(url))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write_accounts(path / "users.csv", accounts)
        for what, arguments in {
            "import": ("import", "users.csv"),
            "import again": ("import", "users.csv"),
            "dry run": ("import", "users.csv", "--dry-run"),
            "export": ("export", "--output", "export.csv"),
        }.items():
            seconds, worked, megabytes = measured(url, path, *arguments)
            print(
                f"{name:12}{what:14}{accounts:>10,}{seconds:>9.1f} s{worked:>9.1f} s of a core"
                f"{megabytes:>8.0f} MiB"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite as well")
    arguments = parser.parse_args()
    with new_postgresql_database(f"auth_import_{os.getpid()}") as url:
        measure("postgresql", url, arguments.accounts)
    if arguments.sqlite:
        with tempfile.TemporaryDirectory() as folder:
            measure("sqlite", f"sqlite+aiosqlite:///{folder}/auth.db", arguments.accounts)


if __name__ == "__main__":
    main()
