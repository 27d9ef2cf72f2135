"""Whether memory stays where it is: reads, refreshes and logins without pause, for minutes.

Two workers on PostgreSQL. Prints the proportional memory of the largest process every so often, and
how many requests had been answered by then.

    python -m tests.benchmarks.soak [--minutes 5]
"""

import argparse
import os
import time

from tests.benchmarks.contenders import CURRENT_USER, LOGIN, REFRESH, our_contender
from tests.benchmarks.load import load
from tests.conftest import new_postgresql_database

MIXTURE = {CURRENT_USER: (8, 7), REFRESH: (8, 2), LOGIN: (4, 1)}
"""Connections of each, and for how many seconds of a slice."""


def main() -> None:
    """Load, look, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    with new_postgresql_database(f"auth_soak_{os.getpid()}") as url:
        contender = our_contender(url, 4)
        with contender.start() as server:
            contender.register_all(server.url)
            began, answered = time.monotonic(), 0.0
            print("| minutes | requests | MiB of the largest worker |\n| --- | --- | --- |")
            while time.monotonic() - began < arguments.minutes * 60:
                for scenario, (connections, seconds) in MIXTURE.items():
                    people = contender.logged_in(server.url)[scenario]
                    request = contender.requests[scenario]
                    with load(server.url, request, people, connections, seconds) as it:
                        answered += it.result().rate * seconds
                minutes = (time.monotonic() - began) / 60
                print(
                    f"| {minutes:.1f} | {answered:,.0f} | {server.worker_megabytes():.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
