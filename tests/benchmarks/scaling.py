"""What a second worker and a second host bring, and what runs out first.

One worker, two workers, and two servers of two workers each (as two hosts on one database) answer
the current user and refreshes, in turn, round by round. Prints the rates, and how much of the CPU
that was used the servers, PostgreSQL and the rest took.

    python -m tests.benchmarks.scaling [--rounds 3] [--seconds 5]
"""

import argparse
import os
import statistics
import subprocess
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contenders import CURRENT_USER, REFRESH, our_contender
from tests.benchmarks.load import Load, load
from tests.benchmarks.servers import Server, environment_of, ours, running
from tests.conftest import new_postgresql_database
from tests.running_server import free_port

LAYOUTS = {"one worker": [1], "two workers": [2], "two hosts of two workers": [2, 2]}
CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU so far: of the servers, of PostgreSQL, of everything."""

    servers: float
    database: float
    everything: float

    def since(self, before: "Usage") -> "Usage":
        """What was used since then."""
        return Usage(
            self.servers - before.servers,
            self.database - before.database,
            self.everything - before.everything,
        )


def _seconds_of(pids: list[str]) -> float:
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _found(*arguments: str) -> list[str]:
    done = subprocess.run(["pgrep", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split()


def usage(servers: list[Server]) -> Usage:
    """What has been used until now."""
    groups = [pid for server in servers for pid in _found("-g", str(server.group))]
    busy = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system = map(int, busy[:3])
    return Usage(
        _seconds_of(groups), _seconds_of(_found("-x", "postgres")), (user + nice + system) / TICKS
    )


def measure(url: str, scenario: str, layout: list[int], seconds: int) -> tuple[float, Usage]:
    """The rate of all servers of a layout together, and what was used by the second."""
    contender = our_contender(url, 4)
    with ExitStack() as stack:
        servers = []
        for workers in layout:
            port = free_port()
            settings = environment_of(url, rounds_of_bcrypt=4)
            servers.append(stack.enter_context(running(ours(port, workers), settings, port)))
        contender.register_all(servers[0].url)
        people = [contender.logged_in(server.url)[scenario] for server in servers]
        before = usage(servers)
        loads: list[Load] = [
            stack.enter_context(
                load(
                    server.url,
                    contender.requests[scenario],
                    users,
                    CONNECTIONS // len(servers),
                    seconds,
                )
            )
            for server, users in zip(servers, people, strict=True)
        ]
        rate = sum(each.result().rate for each in loads)
        used = usage(servers).since(before)
    return rate, used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    results: dict[tuple[str, str], list[tuple[float, Usage]]] = defaultdict(list)
    with new_postgresql_database(f"auth_scaling_{os.getpid()}") as url:
        for _ in range(arguments.rounds):
            for scenario in (CURRENT_USER, REFRESH):
                for name, layout in LAYOUTS.items():
                    measured = measure(url, scenario, layout, arguments.seconds)
                    results[scenario, name].append(measured)
    print("| | requests a second | of one worker | servers' CPU | PostgreSQL's | the rest |")
    print("| --- " * 6 + "|")
    rates = {key: statistics.median(rate for rate, _ in runs) for key, runs in results.items()}
    for (scenario, name), runs in results.items():
        rate, first = rates[scenario, name], rates[scenario, "one worker"]
        used = sorted(runs, key=lambda run: run[0])[len(runs) // 2][1]
        rest = used.everything - used.servers - used.database
        parts = (used.servers, used.database, rest)
        shares = " | ".join(f"{part / used.everything:.0%}" for part in parts)
        print(f"| {scenario}, {name} | {rate:,.0f} | {rate / first:.2f} | {shares} |")
    print(f"\n{os.cpu_count()} cores; the rest is mostly the load tool's.")


if __name__ == "__main__":
    main()
