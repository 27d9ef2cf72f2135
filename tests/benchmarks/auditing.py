"""What sealing the record of events costs: a server that seals beside one that does not.

Needs PostgreSQL (TEST_POSTGRESQL_URL) and wrk. Both have two workers and a database of their own;
they are measured in turn, round by round, and the medians and their ratio are printed. Passwords
are hashed at bcrypt's lowest cost, so that logins write as many events as they can. Prints too how
fast the chain that came of it is verified.

    python -m tests.benchmarks.auditing [--rounds 5] [--seconds 5]
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time

from tests.benchmarks.run import Server, lines_for, ours, prepared_users, running, wrk
from tests.conftest import NOWHERE, SECRET, new_postgresql_database
from tests.running_server import free_port

SEALING = {"sealing": "1", "not sealing": "86400"}
SCENARIOS = {
    "refresh": ("refresh", "/auth/refresh", 16),
    "login, bcrypt 4": ("login", "/auth/login", 8),
}


def environment_for(url: str, interval: str) -> dict[str, str]:
    """The settings of a server that seals every so many seconds."""
    limits = ("LOGIN", "ANONYMOUS", "REFRESH", "USER", "MAIL")
    return (
        {name: value for name, value in os.environ.items() if not name.startswith("AUTH_")}
        | {
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": url,
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_BCRYPT_ROUNDS": "4",
            "AUTH_MAIL_URL": NOWHERE,
            "AUTH_ACCESS_LOG": "false",
            "AUTH_LOG_LEVEL": "error",
            "AUTH_AUDIT_SEAL_INTERVAL": interval,
        }
        | {f"AUTH_RATE_LIMIT_{name}": "100000000/minute" for name in limits}
    )


def measure(servers: dict[str, Server], arguments: argparse.Namespace) -> None:
    """Load both in turn, and print."""
    users = {name: asyncio.run(prepared_users(server.url)) for name, server in servers.items()}
    print(f"{'requests a second':22}{'sealing':>10}{'not':>10}{'ratio':>8}")
    for scenario, (mode, path, connections) in SCENARIOS.items():
        rates: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(arguments.rounds):
            for name in sorted(servers, reverse=bool(number % 2)):
                url = servers[name].url
                lines = lines_for(mode, url, users[name])
                rate, _ = wrk(url, mode, path, lines, connections, arguments.seconds)
                rates[name].append(rate)
        sealing, without = (statistics.median(rates[name]) for name in SEALING)
        print(f"{scenario:22}{sealing:>10.0f}{without:>10.0f}{sealing / without:>8.2f}", flush=True)


def verify(environment: dict[str, str]) -> None:
    """Verify the chain with the command, and print how long that took."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "auth_service", "audit", "verify"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    print(
        f"{done.stdout.partition(', head')[0]}, verified in {time.perf_counter() - started:.1f} s"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        environments, servers = {}, {}
        for number, (name, interval) in enumerate(SEALING.items()):
            url = stack.enter_context(
                new_postgresql_database(f"auth_auditing_{number}_{os.getpid()}")
            )
            environments[name] = environment_for(url, interval)
            port = free_port()
            servers[name] = stack.enter_context(running(ours(port, 2), environments[name], port))
        measure(servers, arguments)
        time.sleep(3)  # what was written last is sealed then
        verify(environments["sealing"])


if __name__ == "__main__":
    main()
