"""Credential stuffing and a targeted attack, simulated: what is let through, and is it too much?

Starts two servers on one PostgreSQL (TEST_POSTGRESQL_URL) and one Redis (TEST_REDIS_URL) and sends
tries from 50 client networks, 10 a second each, for most of a minute, all on loopback:

- *stuffing*: 1,000 addresses, one client IP a network, the limits as they come: 5 a minute and IP.
- *targeted*: 20 addresses, IPs out of the way of that limit, so that only the ladders are left.

Meanwhile the owner of an attacked account logs in from a device that did so before. Prints what was
let through against what the settings allow, and exits with 1 where it was one too many.

The default stays a little below a minute, so that every try falls into one window of the limits.

    python -m tests.benchmarks.stuffing [--seconds 55]
"""

import argparse
import asyncio
import json
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import redis

from tests.conftest import NOWHERE, SECRET, new_postgresql_database
from tests.running_server import serving

NETWORKS = 50
TRIES_A_SECOND = 10
OWNER = "user0@example.com"
PASSWORD = "a long enough password"
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379") + "/9"
LET_THROUGH = {200, 401}
MINUTE = 60
MOST_LINES = 10
PER_IP = 5
FREE_PER_NETWORK = 5
FREE_PER_ADDRESS = 50
# A try is counted between its being sent and its being answered, and Redis and we have two clocks.
LENIENCY_SECONDS = 0.1


@dataclass(frozen=True)
class Try:
    """One try that was let through: when it was sent and answered, from where, for whom."""

    sent: float
    answered: float
    ip: str
    email: str


@dataclass
class Attack:
    """Where tries come from and go to, and what became of them."""

    name: str
    addresses: int
    ips_a_network: int
    environment: dict[str, str]
    statuses: Counter[int] = field(default_factory=Counter)
    let_through: list[Try] = field(default_factory=list)
    owner: Counter[int] = field(default_factory=Counter)
    owner_seconds: list[float] = field(default_factory=list)


class Connection:
    """Keep-alive HTTP with one server, no more than this needs."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def log_in(self, email: str, password: str, ip: str, cookie: str = "") -> tuple[int, str]:
        """The status of a login, and the device cookie that came with it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        body = json.dumps({"email": email, "password": password})
        writer.write(
            f"POST /auth/login HTTP/1.1\r\nHost: {self._host}\r\nX-Forwarded-For: {ip}\r\n"
            f"Content-Type: application/json\r\nCookie: device={cookie}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        headers = dict(
            line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if ": " in line
        )
        await reader.readexactly(int(headers.get("content-length", 0)))
        start = head.find("device=") + len("device=")
        return int(head.split(" ")[1]), head[start:].split(";")[0] if "device=" in head else ""

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


async def attack_from(network: int, url: str, attack: Attack, until: float) -> None:
    """Try passwords from one network, so many a second."""
    connection = Connection(url)
    chance = random.Random(network)  # noqa: S311 - repeatable
    while (now := time.monotonic()) < until:
        email = f"user{chance.randrange(attack.addresses)}@example.com"
        ip = f"10.{network}.0.{1 + chance.randrange(attack.ips_a_network)}"
        status, _ = await connection.log_in(email, "guess", ip)
        answered = time.monotonic()
        attack.statuses[status] += 1
        if status in LET_THROUGH:
            attack.let_through.append(Try(now, answered, ip, email))
        await asyncio.sleep(max(0.0, now + 1 / TRIES_A_SECOND - answered))
    connection.close()


async def owner_logs_in(url: str, attack: Attack, cookie: str, until: float) -> None:
    """Log in four times a minute, as somebody at home would at most."""
    connection = Connection(url)
    while time.monotonic() < until:
        began = time.monotonic()
        status, found = await connection.log_in(OWNER, PASSWORD, "192.0.2.1", cookie)
        attack.owner_seconds.append(time.monotonic() - began)
        attack.owner[status] += 1
        cookie = found or cookie
        await asyncio.sleep(15)
    connection.close()


async def run(attack: Attack, seconds: float, database_url: str) -> None:
    """Simulate an attack on two new servers."""
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": database_url,
        "AUTH_REDIS_URL": REDIS,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_COOKIE_SECURE": "false",
        "AUTH_TRUSTED_PROXIES": "127.0.0.1",
        "AUTH_MAIL_URL": NOWHERE,
        "AUTH_ACCESS_LOG": "false",
        "AUTH_LOG_LEVEL": "error",
    } | attack.environment
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serving(environment, folder=Path(folder)))
                for _ in range(2)
            ]
            http = await stack.enter_async_context(servers[0].client())
            await http.post("/auth/register", json={"email": OWNER, "password": PASSWORD})
            connection = Connection(servers[0].url)
            status, cookie = await connection.log_in(OWNER, PASSWORD, "192.0.2.1")
            assert (status, bool(cookie)) == (200, True)
            connection.close()
            until = time.monotonic() + seconds
            await asyncio.gather(
                owner_logs_in(servers[1].url, attack, cookie, until),
                *(
                    attack_from(number, servers[number % 2].url, attack, until)
                    for number in range(NETWORKS)
                ),
            )


def report(attack: Attack, seconds: float) -> bool:
    """Print what happened; whether it was within what is allowed."""
    excess = list(excesses(attack))
    owner_ok = set(attack.owner) == {200}
    sent = sum(attack.statuses.values())
    print(f"{attack.name}: {sent} tries in {seconds:.0f} s, by status {dict(attack.statuses)}")
    limit = allowed(attack, seconds)
    print(f"  let through {len(attack.let_through)}, at most {limit} are allowed")
    slowest = max(attack.owner_seconds) * 1000
    print(f"  the owner from a known device: {dict(attack.owner)}, slowest {slowest:.0f} ms")
    for line in excess[:MOST_LINES]:
        print(f"  TOO MUCH: {line}")
    return not excess and owner_ok and len(attack.let_through) <= limit


def allowed(attack: Attack, seconds: float) -> int:
    """How many tries the contract lets through in so many seconds."""
    if attack.ips_a_network == 1:
        return NETWORKS * PER_IP * math.ceil(seconds / MINUTE)
    extra, waited = 0, 0.0
    while (waited := waited + min(2.0**extra, 60)) <= seconds + LENIENCY_SECONDS:
        extra += 1
    return attack.addresses * (FREE_PER_ADDRESS + extra)


def excesses(attack: Attack) -> list[str]:
    """Every try that came through too early, by the limit that it broke."""
    found = []
    for key, free, longest in (
        (lambda one: (one.email, one.ip.rsplit(".", 1)[0]), FREE_PER_NETWORK, 900.0),
        (lambda one: one.email, FREE_PER_ADDRESS, 60.0),
    ):
        groups: defaultdict[object, list[Try]] = defaultdict(list)
        for one in sorted(attack.let_through, key=lambda one: one.answered):
            if one.email != OWNER or one.ip != "192.0.2.1":
                groups[key(one)].append(one)
        for name, tries in groups.items():
            for number in range(free, len(tries)):
                wait = min(2.0 ** (number - free), longest)
                if tries[number].answered - tries[number - 1].sent < wait - LENIENCY_SECONDS:
                    found.append(f"try {number + 1} of {name} came sooner than after {wait} s")
    if attack.ips_a_network == 1:
        found += _too_many_a_minute(attack.let_through)
    return found


def _too_many_a_minute(tries: list[Try]) -> Iterator[str]:
    by_ip: defaultdict[str, list[Try]] = defaultdict(list)
    for one in sorted(tries, key=lambda one: one.answered):
        by_ip[one.ip].append(one)
    for ip, own in by_ip.items():
        for first, sixth in zip(own, own[PER_IP:], strict=False):
            if sixth.answered - first.sent < MINUTE - LENIENCY_SECONDS:
                yield f"{PER_IP + 1} from {ip} within a minute"


def main() -> None:
    """Simulate both attacks and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=55)
    seconds = parser.parse_args().seconds
    attacks = (
        Attack("stuffing", 1000, 1, {}),
        Attack("targeted", 20, 250, {"AUTH_RATE_LIMIT_LOGIN": "1000000/minute"}),
    )
    results = []
    for attack in attacks:
        with redis.Redis.from_url(REDIS) as store:
            store.flushdb()
        with new_postgresql_database(f"auth_stuffing_{os.getpid()}") as url:
            asyncio.run(run(attack, seconds, url))
        results.append(report(attack, seconds))
    print("within what is allowed" if all(results) else "MORE THAN IS ALLOWED")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
