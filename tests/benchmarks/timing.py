"""Whether time tells which addresses have an account: known and unknown ones, interleaved.

Starts a server on PostgreSQL (TEST_POSTGRESQL_URL) with the default hash, asks each route about a
known and an unknown address in turn, and prints the medians and a two-sided Mann-Whitney p: small
means that somebody could tell. Logins are measured twice: with one account, and with accounts
half of which have hashes of another scheme and twice the cost, as after an import.

    python -m tests.benchmarks.timing [--count 200] [--rounds-of-bcrypt 12]
"""

import argparse
import asyncio
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from passlib.hash import bcrypt

from tests.conftest import NOWHERE, SECRET, new_postgresql_database
from tests.running_server import serving

KNOWN = "known@example.com"
PASSWORD = "a long enough password"
ROUTES = ("/auth/login", "/auth/password/forgot", "/auth/verify-email/resend", "/auth/register")
NAMES = count()
ACCOUNTS = 20
SAMPLE_SECONDS = 11  # the service takes its sample of schemes anew every ten
LIMITS = ("LOGIN", "ANONYMOUS", "MAIL", "MAIL_ADDRESS")
LADDERS = ("NETWORK_TRIES", "ADDRESS_TRIES", "HARD_STOP")


def mann_whitney_p(one: list[float], other: list[float]) -> float:
    """The two-sided p by the normal approximation (Mann and Whitney 1947), without ties."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, group) in enumerate(ranked, 1) if group == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


async def seconds_of(http: httpx.AsyncClient, path: str, email: str) -> float:
    """How long a route takes about an address; its status has to be the same for all."""
    body = {"email": email}
    if path in {"/auth/login", "/auth/register"}:
        body["password"] = "not this password at all"
    started = time.perf_counter()
    answer = await http.post(path, json=body)
    taken = time.perf_counter() - started
    assert answer.status_code == (401 if path == "/auth/login" else 202), answer.text
    return taken


async def measure(
    http: httpx.AsyncClient, path: str, number: int, accounts: Sequence[str] = (KNOWN,)
) -> tuple[list[float], ...]:
    known: list[float] = []
    unknown: list[float] = []
    for turn in range(number):
        account = accounts[turn % len(accounts)]
        turns = [(known, account), (unknown, f"unknown{next(NAMES)}@example.com")]
        random.shuffle(turns)
        for times, email in turns:
            times.append(await seconds_of(http, path, email))
    return known, unknown


async def add_mixture(http: httpx.AsyncClient, url: str, rounds: int) -> list[str]:
    """Register accounts, give every second one a costlier hash; their addresses."""
    accounts = [f"mixed{number}@example.com" for number in range(ACCOUNTS)]
    for email in accounts:
        await http.post("/auth/register", json={"email": email, "password": PASSWORD})
    costly = bcrypt.using(rounds=rounds + 1).hash("of somebody else")
    connection: Any = await asyncpg.connect(url)  # type: ignore[no-untyped-call]
    await connection.execute("DELETE FROM users WHERE email = $1", KNOWN)
    await connection.execute(
        "UPDATE users SET password_hash = $1 WHERE email = ANY($2)", costly, accounts[::2]
    )
    await connection.close()
    await asyncio.sleep(SAMPLE_SECONDS)
    return accounts


async def report(
    http: httpx.AsyncClient, path: str, count: int, accounts: Sequence[str] = (KNOWN,)
) -> None:
    await measure(http, path, 10, accounts)  # caches, connections and averages are warm then
    known, unknown = await measure(http, path, count, accounts)
    medians = [statistics.median(times) * 1000 for times in (known, unknown)]
    p = mann_whitney_p(known, unknown)
    name = path if accounts == (KNOWN,) else f"{path}, mixed"
    print(f"{name:28}{medians[0]:>10.2f}{medians[1]:>12.2f}{p:>8.2f}", flush=True)


async def run(url: str, arguments: argparse.Namespace) -> None:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": str(arguments.rounds_of_bcrypt),
        "AUTH_REGISTRATION": "private",
        "AUTH_MAIL_URL": NOWHERE,
        "AUTH_ACCESS_LOG": "false",
        "AUTH_LOG_LEVEL": "error",
    }
    environment |= {f"AUTH_RATE_LIMIT_{name}": "100000000/minute" for name in LIMITS}
    environment |= {f"AUTH_THROTTLE_{name}": "100000000" for name in LADDERS}
    print(f"{'':28}{'known ms':>10}{'unknown ms':>12}{'p':>8}")
    with tempfile.TemporaryDirectory() as folder:
        async with serving(environment, folder=Path(folder)) as server, server.client() as http:
            await http.post("/auth/register", json={"email": KNOWN, "password": PASSWORD})
            for path in arguments.routes or ROUTES:
                await report(http, path, arguments.count)
            accounts = await add_mixture(http, url, arguments.rounds_of_bcrypt)
            await report(http, "/auth/login", arguments.count, accounts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--routes", nargs="*", help=f"of {', '.join(ROUTES)}; all without it")
    parser.add_argument("--rounds-of-bcrypt", type=int, default=12)
    arguments = parser.parse_args()
    with new_postgresql_database(f"auth_timing_{os.getpid()}") as url:
        asyncio.run(run(url, arguments))


if __name__ == "__main__":
    main()
