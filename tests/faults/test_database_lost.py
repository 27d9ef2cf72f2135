"""PostgreSQL goes away, freezes, fills up, turns read-only: 503, never 500, and no restart."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from auth_service import __file__ as package_file
from auth_service.clients.service import ServiceClients
from auth_service.core.clock import SystemClock
from auth_service.db.session import Database
from tests.conftest import PASSWORD, SECRET, settings_for
from tests.faults.postgresql_cluster import PostgresqlCluster, postgresql_cluster
from tests.flows.service_tokens.conftest import Service
from tests.running_server import RunningServer, serving

pytestmark = pytest.mark.postgresql
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
ENVIRONMENT = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "4",
    "AUTH_RATE_LIMIT_LOGIN": "10000/minute",
    "AUTH_RATE_LIMIT_ANONYMOUS": "10000/minute",
    "AUTH_RATE_LIMIT_REFRESH": "10000/minute",
    "AUTH_DATABASE_POOL_SIZE": "4",
    "AUTH_DATABASE_POOL_TIMEOUT": "1",
    "AUTH_DATABASE_CONNECT_TIMEOUT": "1",
    "AUTH_DATABASE_STATEMENT_TIMEOUT": "0.5",
    "AUTH_DATABASE_LOCK_TIMEOUT": "0.3",
    "PYTHONPATH": str(Path(package_file).parents[1]),
}
LONGEST_WAIT = 15
"""Seconds that a refusal may take at the very most; the limits above add up to a few."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresqlCluster]:
    with postgresql_cluster() as found:
        yield found


@pytest.fixture
async def server(cluster: PostgresqlCluster, tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server on the cluster, which is running when the test begins and when it ends."""
    environment = ENVIRONMENT | {"AUTH_DATABASE_URL": cluster.url}
    async with serving(environment, folder=tmp_path) as running:
        yield running
        if not cluster.is_running():
            await asyncio.to_thread(cluster.start)
    assert b"Traceback" not in running.log, running.log.decode()
    assert b"unexpected_error" not in running.log, running.log.decode()


class Person:
    """Somebody who is logged in, and asks for everything that needs the database."""

    def __init__(self, http: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
        self.http = http
        self.tokens = tokens

    @classmethod
    async def registered(cls, http: httpx.AsyncClient) -> "Person":
        await http.post("/auth/register", json=CREDENTIALS)
        answer = await http.post("/auth/login", json=CREDENTIALS)
        assert answer.status_code == 200, answer.text
        return cls(http, answer.json())

    async def me(self) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return await self.http.get("/users/me", headers=bearer)

    async def log_in(self) -> httpx.Response:
        return await self.http.post("/auth/login", json=CREDENTIALS)

    async def refresh(self) -> httpx.Response:
        body = {"refresh_token": self.tokens["refresh_token"]}
        return await self.http.post("/auth/refresh", json=body)

    async def log_out(self) -> httpx.Response:
        body = {"refresh_token": self.tokens["refresh_token"]}
        return await self.http.post("/auth/logout", json=body)

    async def register(self) -> httpx.Response:
        body = {"email": "new@example.com", "password": PASSWORD}
        return await self.http.post("/auth/register", json=body)

    async def token(self) -> httpx.Response:
        form = {"grant_type": "password", "username": CREDENTIALS["email"], "password": PASSWORD}
        return await self.http.post("/oauth/token", data=form)


@pytest.fixture
async def service(server: RunningServer, cluster: PostgresqlCluster) -> AsyncIterator[Service]:
    """A service client, made behind the server's back."""
    database = Database.from_settings(settings_for(cluster.url))
    async with database.transaction() as db:
        clients = ServiceClients(database=database, clock=SystemClock())
        made = await clients.create(db, "orders", ["introspection"])
    await database.close()
    async with server.client() as http:
        yield Service(http, str(made.client.id), made.secret)


async def held_tokens(person: Person, service: Service) -> list[str]:
    """One token of each kind."""
    own = await service.token()
    return [person.tokens["access_token"], person.tokens["refresh_token"], own]


async def ask_about(service: Service, token: str) -> httpx.Response:
    form = {"token": token}
    return await service.http.post("/oauth/introspect", data=form, headers=service.basic)


async def revoke(service: Service, token: str) -> httpx.Response:
    form = {"token": token}
    return await service.http.post("/oauth/revoke", data=form, headers=service.basic)


@pytest.fixture
async def person(server: RunningServer) -> AsyncIterator[Person]:
    async with server.client() as http:
        yield await Person.registered(http)


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "service_unavailable"
    assert int(answer.headers["retry-after"]) >= 1


def assert_unavailable_by_oauth(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) >= 1


async def assert_everything_is_unavailable(person: Person) -> None:
    async with asyncio.timeout(LONGEST_WAIT * 5):
        assert_unavailable(await person.me())
        assert_unavailable(await person.log_in())
        assert_unavailable(await person.refresh())
        assert_unavailable(await person.log_out())
        assert_unavailable_by_oauth(await person.token())


async def assert_everything_works(person: Person) -> None:
    assert (await person.me()).status_code == 200
    assert (await person.log_in()).status_code == 200
    assert (await person.refresh()).status_code == 200
    assert (await person.token()).status_code == 200
    assert (await person.http.get("/readyz")).status_code == 200


# --- Gone ---


async def test_without_the_database_everything_that_needs_it_is_unavailable(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.stop)
    await assert_everything_is_unavailable(person)


async def test_without_the_database_the_process_is_up_but_not_ready(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.stop)
    ready = await person.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["code"] == "not_ready"
    assert ready.json()["checks"]["database"] == "unavailable"
    assert "database" in ready.json()["detail"]
    assert (await person.http.get("/healthz")).status_code == 200


async def test_what_needs_no_database_is_answered_without_it(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.stop)
    weak = {"email": "new@example.com", "password": "short"}
    assert (await person.http.post("/auth/register", json=weak)).status_code == 422
    assert (await person.http.get("/openapi.json")).status_code == 200
    assert (await person.http.get("/users/me")).status_code == 401


async def test_the_first_requests_after_a_restart_work(
    cluster: PostgresqlCluster, person: Person
) -> None:
    # Fill the pool, so that every one of its connections is a dead one afterwards.
    await asyncio.gather(*(person.me() for _ in range(20)))
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    answers = await asyncio.gather(*(person.me() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    await assert_everything_works(person)


async def test_the_first_write_after_a_restart_works(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    assert (await person.refresh()).status_code == 200


async def test_what_was_refused_meanwhile_left_nothing_behind(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.stop)
    assert_unavailable(await person.register())
    assert_unavailable(await person.refresh())
    await asyncio.to_thread(cluster.start)
    assert (await person.refresh()).status_code == 200
    connection = await cluster.connect()
    assert await connection.fetchval("SELECT count(*) FROM users WHERE email LIKE 'new@%'") == 0
    await connection.close()


async def test_no_request_under_way_ends_in_an_internal_error(
    cluster: PostgresqlCluster, person: Person
) -> None:
    stopped = asyncio.Event()
    statuses: set[int] = set()

    async def repeat(ask: Callable[[], Awaitable[httpx.Response]], pause: float) -> None:
        while not stopped.is_set():
            statuses.add((await ask()).status_code)
            await asyncio.sleep(pause)

    # Few logins: a user's fifty-first session would end the first.
    asking = [
        *(asyncio.create_task(repeat(person.me, 0)) for _ in range(6)),
        *(asyncio.create_task(repeat(person.log_in, 0.15)) for _ in range(2)),
    ]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(cluster.stop)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(cluster.start)
    await asyncio.sleep(0.3)
    stopped.set()
    await asyncio.gather(*asking)
    assert statuses == {200, 503}


async def test_without_the_database_no_token_is_called_dead_or_revoked(
    cluster: PostgresqlCluster, person: Person, service: Service
) -> None:
    held = await held_tokens(person, service)
    await asyncio.to_thread(cluster.stop)
    assert_unavailable_by_oauth(await service.ask_for_token())
    for token in held:
        assert_unavailable_by_oauth(await ask_about(service, token))
        assert_unavailable_by_oauth(await revoke(service, token))
    await asyncio.to_thread(cluster.start)
    for token in held:
        assert (await ask_about(service, token)).json()["active"] is True
    for token in held:
        assert (await revoke(service, token)).status_code == 200
        assert (await ask_about(service, token)).json() == {"active": False}


# --- Frozen ---


async def test_a_frozen_database_is_given_up_on_in_time(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.freeze)
    try:
        await assert_everything_is_unavailable(person)
        assert (await person.http.get("/readyz")).status_code == 503
        assert (await person.http.get("/healthz")).status_code == 200
    finally:
        await asyncio.to_thread(cluster.thaw)
    await assert_everything_works(person)


async def test_a_crowd_before_a_frozen_database_is_turned_away_and_served_afterwards(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(cluster.freeze)
    try:
        async with asyncio.timeout(LONGEST_WAIT * 5):
            answers = await asyncio.gather(*(person.me() for _ in range(20)))
    finally:
        await asyncio.to_thread(cluster.thaw)
    assert {answer.status_code for answer in answers} == {503}
    await assert_everything_works(person)


# --- Full ---


async def test_a_database_without_a_free_connection_is_unavailable_until_there_is_one(
    cluster: PostgresqlCluster, person: Person
) -> None:
    async with AsyncExitStack() as held:
        while True:
            with pytest.raises(asyncpg.TooManyConnectionsError):  # noqa: PT012 - until there are
                while True:
                    connection = await cluster.connect()
                    held.push_async_callback(connection.close)
            # What the service does beside its requests may have been quicker.
            if not await _terminated(cluster):
                break
        await assert_everything_is_unavailable(person)
    await assert_everything_works(person)


async def _terminated(cluster: PostgresqlCluster) -> int:
    """Break off the service's connections, not the test's; how many there were."""
    connection = await cluster.connect("admin", "postgres")
    try:
        return int(
            await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'auth_service'"
            )
        )
    finally:
        await connection.close()


async def _end_connections_of_the_service(cluster: PostgresqlCluster) -> None:
    connection = await cluster.connect("admin", "postgres")
    ended_at = await connection.fetchval("SELECT clock_timestamp()")
    await connection.close()
    await asyncio.to_thread(
        cluster.execute,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'",
    )
    for _ in range(500):
        connection = await cluster.connect("admin", "postgres")
        # Background work connects anew at once: those are other connections.
        left = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE usename = 'service' AND backend_start < $1",
            ended_at,
        )
        await connection.close()
        if not left:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the service's connections did not end")


# --- Read-only ---


async def test_on_a_read_only_database_reads_go_on_and_writes_are_unavailable(
    cluster: PostgresqlCluster, person: Person
) -> None:
    await asyncio.to_thread(
        cluster.execute, "ALTER DATABASE auth SET default_transaction_read_only = on"
    )
    try:
        await _end_connections_of_the_service(cluster)
        assert (await person.me()).status_code == 200
        assert_unavailable(await person.log_in())
        assert_unavailable(await person.refresh())
        assert_unavailable(await person.register())
        assert_unavailable_by_oauth(await person.token())
    finally:
        await asyncio.to_thread(
            cluster.execute, "ALTER DATABASE auth RESET default_transaction_read_only"
        )
    await _end_connections_of_the_service(cluster)
    await assert_everything_works(person)


async def test_on_a_read_only_database_the_truth_is_told_but_nothing_revoked(
    cluster: PostgresqlCluster, person: Person, service: Service
) -> None:
    held = await held_tokens(person, service)
    await asyncio.to_thread(
        cluster.execute, "ALTER DATABASE auth SET default_transaction_read_only = on"
    )
    try:
        await _end_connections_of_the_service(cluster)
        for token in held:
            assert_unavailable_by_oauth(await revoke(service, token))
            assert (await ask_about(service, token)).json()["active"] is True
    finally:
        await asyncio.to_thread(
            cluster.execute, "ALTER DATABASE auth RESET default_transaction_read_only"
        )
    await _end_connections_of_the_service(cluster)


# --- Away at the start ---


def test_serve_says_in_one_line_that_the_database_is_away(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "auth_service", "serve", "--port", "0"],
        cwd=tmp_path,
        env=os.environ
        | ENVIRONMENT
        | {"AUTH_DATABASE_URL": "postgresql://service@127.0.0.1:1/auth"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "auth-service: The database cannot be reached."
    assert "Traceback" not in done.stderr + done.stdout
