"""Measure the service beside bare FastAPI and, where there is a folder of them, beside its peers.

Needs PostgreSQL (TEST_POSTGRESQL_URL) and wrk. Two workers each on one database server, one server
at a time, in turn round by round; medians are printed, and their ratios: on a shared machine only
those say something.

    python -m tests.benchmarks.run [--peers FOLDER] [--rounds 5] [--seconds 5] [--write FILE]
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from tests.benchmarks.contenders import (
    CURRENT_USER,
    LOGIN,
    Contender,
    Peers,
    bare_contender,
    our_contender,
)
from tests.benchmarks.load import Result, User, load
from tests.benchmarks.report import STORM, STORM_LOGINS, Measured, report, write
from tests.benchmarks.servers import ROOT, Server, bare, environment_of, ours, running
from tests.conftest import new_postgresql_database
from tests.running_server import free_port

CONNECTIONS = {CURRENT_USER: 16, "two columns": 16, "refresh": 16, LOGIN: 8}
MOST = 16
WARM_CONNECTIONS = CALM_CONNECTIONS = 4
STORMS = (8, 64)


def rows_for(contender: Contender) -> dict[str, str]:
    """Register our users, and name the rows that the bare app reads."""
    with contender.start() as server:
        contender.register_all(server.url)
        [user, *_] = contender.logged_in(server.url)[CURRENT_USER]
    payload = user.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {"BARE_ROW": claims["sub"], "BARE_SESSION": claims["sid"]}


def one_round(contender: Contender, seconds: int, measured: Measured) -> None:
    """Start a server, put each load on it, and stop it."""
    results = measured.results[contender.name]
    with contender.start() as server:
        if not results:
            contender.register_all(server.url)
        people = contender.logged_in(server.url)
        for scenario, request in contender.requests.items():
            users = people[scenario]
            with load(server.url, request, users[MOST:], WARM_CONNECTIONS, 1) as it:
                it.result()
            with load(server.url, request, users[:MOST], CONNECTIONS[scenario], seconds) as it:
                results[scenario].append(it.result())
        storms = STORMS if contender.name == "auth_service" else STORMS[:1]
        for connections in storms if contender.has_storm else ():
            calm, logins = _storm(contender, server, people, connections, seconds)
            results[STORM.format(connections)].append(calm)
            results[STORM_LOGINS.format(connections)].append(logins)
        measured.megabytes[contender.name].append(server.worker_megabytes())


def _storm(
    contender: Contender,
    server: Server,
    people: dict[str, list[User]],
    connections: int,
    seconds: int,
) -> tuple[Result, Result]:
    """Who asks for the current user while many log in, and those who do."""
    me, login = contender.requests[CURRENT_USER], contender.requests[LOGIN]
    with load(server.url, login, people[LOGIN], connections, seconds + 3) as logins:
        time.sleep(1.5)
        with load(server.url, me, people[CURRENT_USER], CALM_CONNECTIONS, seconds) as calm:
            return calm.result(), logins.result()


def starts(environment: dict[str, str], rounds: int) -> dict[str, list[float]]:
    """Seconds from the command to the first answer, one worker each; and of ``--help``."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, command in (("auth_service", ours), ("bare FastAPI", bare)):
            port = free_port()
            with running(command(port, 1), environment, port) as server:
                found[name].append(server.start_seconds)
        began = time.perf_counter()
        subprocess.run(
            [Path(sys.executable).parent / "auth-service", "--help"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found["--help"].append(time.perf_counter() - began)
    return found


def measure(arguments: argparse.Namespace, url: str, peers: list[Contender]) -> Measured:
    """Everything."""
    mine = our_contender(url, arguments.rounds_of_bcrypt)
    rows = rows_for(mine)
    contenders = [mine, bare_contender(url, arguments.rounds_of_bcrypt, rows), *peers]
    measured = Measured([each.name for each in peers if each.is_python_peer])
    for number in range(arguments.rounds):
        for contender in contenders:
            print(f"round {number + 1}: {contender.name}", file=sys.stderr)
            one_round(contender, arguments.seconds, measured)
    environment = environment_of(url, rounds_of_bcrypt=arguments.rounds_of_bcrypt, **rows)
    measured.starts = starts(environment, arguments.rounds)
    return measured


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--peers", type=Path, help="a folder of peers; see contenders.py")
    parser.add_argument("--only", help="a part of the names of the peers to run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds-of-bcrypt", type=int, default=12)
    parser.add_argument("--write", type=Path, help="a Markdown file with a place for the tables")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    if arguments.peers is None:
        with new_postgresql_database(f"auth_bench_{os.getpid()}") as url:
            measured = measure(arguments, url, [])
    else:
        peers = Peers(arguments.peers.resolve(), arguments.rounds_of_bcrypt)
        chosen = [each for each in peers.contenders() if (arguments.only or "") in each.name]
        with peers.database() as url:
            measured = measure(arguments, url, chosen)
    tables = report(measured)
    print(tables)
    if arguments.write:
        write(arguments.write, tables, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
