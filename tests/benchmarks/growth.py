"""Whether a million rows make anything slower: the same questions on small and on large tables.

Fills two PostgreSQL databases (TEST_POSTGRESQL_URL), one with 1,000 users and events and one with
1,000,000 (and as many sessions), starts a server on each, and asks both in turn. Prints the
median of each in milliseconds and their ratio.

    python -m tests.benchmarks.growth [--large 1000000] [--rounds 200]
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from auth_service.settings import Settings
from tests.conftest import NOWHERE, PASSWORD, SECRET, bearer, migrated, new_postgresql_database
from tests.running_server import serving

SMALL = 1000
ROOT = {"email": "root@example.com", "password": PASSWORD}
ADA = {"email": "user500@example.com", "password": PASSWORD}
# As the service's own ids: by time, one millisecond after the other.
ID = (
    "(lpad(to_hex((extract(epoch from now()) * 1000)::bigint - {count} + n), 12, '0')"
    " || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5('{salt}' || n), 1, 15))::uuid"
)
FILL = (
    "INSERT INTO users (id, email, email_key, email_verified, password_hash, roles, created_at)"
    " SELECT {id}, 'user' || n || '@example.com', 'user' || n || '@example.com', true, $1,"
    " CASE WHEN n % 1000 = 0 THEN '[\"editor\"]' ELSE '[\"user\"]' END::jsonb,"
    " now() - (1000001 - n) * interval '1 minute' FROM generate_series(1, {count}) n",
    "INSERT INTO sessions (id, user_id, client_id, amr, refresh_salt, counter, created_at,"
    " last_used_at, expires_at) SELECT gen_random_uuid(), id, 'auth-service', '[\"pwd\"]',"
    " decode(md5(email), 'hex'), 0, now(), now(), now() + interval '30 days' FROM users",
    "INSERT INTO audit_events (id, happened_at, action, outcome, actor_id, subject_id, ip,"
    " details) SELECT {id}, now() - ({count} - n) * interval '1 second', CASE WHEN n % 500 = 0"
    " THEN 'password.reset' ELSE 'login' END, 'success', u.id, u.id, '192.0.2.1', '{{}}'"
    " FROM (SELECT id, row_number() OVER () AS n FROM users) u",
)

Ask = Callable[[], Awaitable[Any]]


async def fill(url: str, count: int) -> None:
    """Put so many users, sessions and events into a database, and the two who ask."""
    settings = Settings(database_url=url, secret_keys=[SECRET], bcrypt_rounds=4, mail_url=NOWHERE)
    from auth_service.app import create_app

    state = create_app(settings).state
    password_hash = await state.hasher.hash(PASSWORD)
    connection: Any = await asyncpg.connect(url)  # type: ignore[no-untyped-call]
    try:
        for number, statement in enumerate(FILL):
            text = statement.format(count=count, id=ID.format(count=count, salt=number))
            await connection.execute(text, *([password_hash] if "$1" in text else []))
        async with state.database.transaction() as db:
            from auth_service.core.client import ClientInfo
            from auth_service.core.emails import Email

            await state.registrations.create(
                db,
                Email.parse(ROOT["email"]),
                PASSWORD,
                client=ClientInfo(),
                roles=("user", "admin"),
            )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
        await state.hasher.aclose()
        await state.database.close()


class Asker:
    """Everything that is asked of one of the servers."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.admin: dict[str, str] = {}
        self.tokens: dict[str, Any] = {}
        self.user = ""

    async def begin(self) -> None:
        """Log in the two who ask."""
        self.admin = bearer((await self.http.post("/auth/login", json=ROOT)).json())
        self.tokens = (await self.http.post("/auth/login", json=ADA)).json()
        me = await self.http.get("/users/me", headers=bearer(self.tokens))
        self.user = me.json()["id"]

    async def get(self, path: str) -> None:
        """Ask as the administrator."""
        answer = await self.http.get(path, headers=self.admin)
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"], path

    async def log_in(self) -> None:
        """A login (bcrypt at cost 4, so that the database shows)."""
        answer = await self.http.post("/auth/login", json=ADA)
        assert answer.status_code == 200, answer.text

    async def refresh(self) -> None:
        """A refresh."""
        body = {"refresh_token": self.tokens["refresh_token"]}
        answer = await self.http.post("/auth/refresh", json=body)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()

    async def current_user(self) -> None:
        """The current user."""
        answer = await self.http.get("/users/me", headers=bearer(self.tokens))
        assert answer.status_code == 200, answer.text

    def questions(self) -> dict[str, Ask]:
        """By name."""
        paths = {
            "users: newest": "/admin/users",
            "users: by address": "/admin/users?email=user777@example.com",
            "users: by prefix": "/admin/users?email=user99",
            "users: by role": "/admin/users?role=admin",
            "users: by time": "/admin/users?created_after=2020-01-01T00:00:00Z",
            "audit: newest": "/admin/audit",
            "audit: by subject": f"/admin/audit?subject={self.user}",
            "audit: by action": "/admin/audit?action=password.reset",
            "audit: by time": "/admin/audit?after=2020-01-01T00:00:00Z",
        }
        found: dict[str, Ask] = {
            "current user": self.current_user,
            "refresh": self.refresh,
            "login, bcrypt 4": self.log_in,
        }
        for name, path in paths.items():
            found[name] = lambda path=path: self.get(path)  # type: ignore[misc]
        return found


async def measure(askers: list[Asker], rounds: int) -> None:
    """Ask both in turn, and print."""
    questions = [asker.questions() for asker in askers]
    print(f"{'':22}{'small ms':>10}{'large ms':>10}{'ratio':>8}")
    for name in questions[0]:
        times: list[list[float]] = [[], []]
        for number in range(rounds + 10):
            for which in (0, 1) if number % 2 else (1, 0):
                started = time.perf_counter()
                await questions[which][name]()
                if number >= 10:  # caches are warm then
                    times[which].append(time.perf_counter() - started)
        small, large = (statistics.median(one) * 1000 for one in times)
        print(f"{name:22}{small:>10.2f}{large:>10.2f}{large / small:>8.2f}", flush=True)


async def run(urls: list[str], rounds: int) -> None:
    """Start a server on each database and ask both."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        askers = []
        for url in urls:
            environment = {
                "AUTH_ENVIRONMENT": "test",
                "AUTH_DATABASE_URL": url,
                "AUTH_SECRET_KEYS": SECRET,
                "AUTH_BCRYPT_ROUNDS": "4",
                "AUTH_MAIL_URL": NOWHERE,
                "AUTH_ACCESS_LOG": "false",
                "AUTH_LOG_LEVEL": "error",
                # A million events are no ordinary start: sealing them is not what is measured.
                "AUTH_AUDIT_SEAL_INTERVAL": "86400",
            } | {
                f"AUTH_RATE_LIMIT_{name}": "100000000/minute"
                for name in ("LOGIN", "REFRESH", "USER")
            }
            server = await stack.enter_async_context(serving(environment, folder=folder))
            asker = Asker(await stack.enter_async_context(server.client()))
            await asker.begin()
            askers.append(asker)
        await measure(askers, rounds)


def main() -> None:
    """Fill, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        urls = []
        for count in (SMALL, arguments.large):
            url = stack.enter_context(new_postgresql_database(f"auth_growth_{count}_{os.getpid()}"))
            asyncio.run(migrated(url))
            started = time.perf_counter()
            asyncio.run(fill(url, count))
            print(f"{count:,} users, sessions, events in {time.perf_counter() - started:.0f} s")
            urls.append(url)
        asyncio.run(run(urls, arguments.rounds))


if __name__ == "__main__":
    main()
