"""What sealing the record of events costs: a server that seals beside one that does not.

Needs PostgreSQL (TEST_POSTGRESQL_URL) and wrk. Both have two workers and a database of their own;
they are measured in turn, round by round, and the medians and their ratio are printed. Passwords
are hashed at bcrypt's lowest cost, so that logins write as many events as they can. Prints too how
fast the chain that came of it is verified.

    python -m tests.benchmarks.auditing [--rounds 5] [--seconds 5]
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

from tests.benchmarks.contenders import LOGIN, REFRESH, our_contender
from tests.benchmarks.load import load
from tests.benchmarks.servers import Server, environment_of, ours, running
from tests.conftest import NOWHERE, new_postgresql_database
from tests.running_server import free_port

SEALING = {"sealing": "1", "not sealing": "86400"}
CONNECTIONS = {REFRESH: 16, LOGIN: 8}


def environment_for(url: str, interval: str) -> dict[str, str]:
    """The settings of a server that seals every so many seconds."""
    return environment_of(
        url,
        rounds_of_bcrypt=4,
        AUTH_MAIL_URL=NOWHERE,
        AUTH_RATE_LIMIT_MAIL="100000000/minute",
        AUTH_RATE_LIMIT_MAIL_ADDRESS="100000000/minute",
        AUTH_AUDIT_SEAL_INTERVAL=interval,
    )


def measure(servers: dict[str, Server], arguments: argparse.Namespace) -> None:
    """Load both in turn, and print."""
    contender = our_contender("", 4)
    for server in servers.values():
        contender.register_all(server.url)
    print(f"{'requests a second':22}{'sealing':>10}{'not':>10}{'ratio':>8}")
    for scenario, connections in CONNECTIONS.items():
        rates: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(arguments.rounds):
            for name in sorted(servers, reverse=bool(number % 2)):
                url, request = servers[name].url, contender.requests[scenario]
                people = contender.logged_in(url)[scenario]
                with load(url, request, people, connections, arguments.seconds) as it:
                    rates[name].append(it.result().rate)
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
