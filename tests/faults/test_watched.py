"""What people see who use the service while a part of it is away, and that they lose nothing.

A real server with two workers, a PostgreSQL and a Redis of its own, and four people at it without
pause. Each fault lasts some seconds; `make faults` writes what they saw to docs/reliability.md.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import SECRET
from tests.faults.postgresql_cluster import PostgresqlCluster, postgresql_cluster
from tests.faults.redis_server import RedisServer
from tests.faults.slow_proxy import SlowProxy
from tests.faults.watch import watched
from tests.mail.smtp_server import Mailbox, mail_server
from tests.running_server import RunningServer, serving

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]
SECONDS = 2.0
ENVIRONMENT = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "4",
    "AUTH_DATABASE_POOL_SIZE": "5",
    "AUTH_DATABASE_POOL_TIMEOUT": "2",
    "AUTH_DATABASE_CONNECT_TIMEOUT": "2",
    "AUTH_DATABASE_STATEMENT_TIMEOUT": "2",
    "AUTH_WORKERS": "2",
    **{
        f"AUTH_RATE_LIMIT_{name}": "1000000/minute"
        for name in ("LOGIN", "ANONYMOUS", "REFRESH", "USER", "MAIL", "MAIL_ADDRESS")
    },
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresqlCluster]:
    with postgresql_cluster() as found:
        yield found


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as found:
        yield found


@pytest.fixture
def environment(
    cluster: PostgresqlCluster, redis_server: RedisServer, mailbox: Mailbox
) -> dict[str, str]:
    redis_server.start()
    return ENVIRONMENT | {
        "AUTH_DATABASE_URL": cluster.url,
        "AUTH_REDIS_URL": redis_server.url,
        "AUTH_MAIL_URL": mailbox.url,
    }


@pytest.fixture
async def server(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with serving(environment, folder=tmp_path) as running:
        yield running
    assert b"Traceback" not in running.log, running.log.decode()


async def asleep(_: object = None) -> None:
    await asyncio.sleep(SECONDS)


# --- PostgreSQL ---


async def stopped(cluster: PostgresqlCluster) -> None:
    await asyncio.to_thread(cluster.stop)
    await asleep()
    await asyncio.to_thread(cluster.start)


async def restarted(cluster: PostgresqlCluster) -> None:
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)


async def frozen(cluster: PostgresqlCluster) -> None:
    await asyncio.to_thread(cluster.freeze)
    await asleep()
    await asyncio.to_thread(cluster.thaw)


async def out_of_connections(cluster: PostgresqlCluster) -> None:
    async with AsyncExitStack() as held:
        until = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < until:
            await terminate(cluster, "auth_service")
            while True:
                try:
                    connection = await cluster.connect()
                except asyncpg.TooManyConnectionsError:
                    break
                held.push_async_callback(connection.close)
            await asyncio.sleep(0.2)


async def read_only(cluster: PostgresqlCluster) -> None:
    setting = "ALTER DATABASE auth {} default_transaction_read_only {}"
    await asyncio.to_thread(cluster.execute, setting.format("SET", "= on"))
    await terminate(cluster, "auth_service")
    await asleep()
    await asyncio.to_thread(cluster.execute, setting.format("RESET", ""))
    await terminate(cluster, "auth_service")


async def terminate(cluster: PostgresqlCluster, application: str) -> None:
    connection = await cluster.connect("admin", "postgres")
    await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
        application,
    )
    await connection.close()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("stopped for 2 s", stopped),
        ("restarted", restarted),
        ("frozen for 2 s", frozen),
        ("out of connections for 2 s", out_of_connections),
        ("read-only for 2 s", read_only),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_postgresql_is_away(
    server: RunningServer,
    cluster: PostgresqlCluster,
    name: str,
    fault: Callable[[PostgresqlCluster], Awaitable[None]],
) -> None:
    async with watched(server, f"PostgreSQL {name}") as watch, watch.fault():
        await fault(cluster)


async def test_postgresql_takes_three_seconds(
    environment: dict[str, str], cluster: PostgresqlCluster, tmp_path: Path
) -> None:
    async with SlowProxy.before(cluster.port) as proxy:
        url = cluster.url.replace(f":{cluster.port}/", f":{proxy.port}/")
        slow = {"AUTH_DATABASE_URL": url, "AUTH_DATABASE_STATEMENT_TIMEOUT": "5"}
        async with (
            serving(environment | slow, folder=tmp_path) as server,
            watched(server, "PostgreSQL answers 3 s late, for 8 s") as watch,
            watch.fault(),
        ):
            proxy.delay = 3.0
            await asyncio.sleep(8)
            proxy.delay = 0.0
        assert b"Traceback" not in server.log, server.log.decode()


# --- Redis ---


async def redis_stopped(redis: RedisServer) -> None:
    redis.stop()
    await asleep()
    redis.start()


async def redis_frozen(redis: RedisServer) -> None:
    redis.freeze()
    await asleep()
    redis.thaw()


async def redis_flushed(redis: RedisServer) -> None:
    redis.client.flushall()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("stopped for 2 s", redis_stopped),
        ("frozen for 2 s", redis_frozen),
        ("flushed", redis_flushed),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_redis_is_away(
    server: RunningServer,
    redis_server: RedisServer,
    name: str,
    fault: Callable[[RedisServer], Awaitable[None]],
) -> None:
    async with watched(server, f"Redis {name}") as watch:
        async with watch.fault():
            await fault(redis_server)
        # Nobody is turned away for it.
        assert all(moment.status in {200, 201} for moment in watch.moments)


# --- Mail ---


@asynccontextmanager
async def refusing(mailbox: Mailbox) -> AsyncIterator[None]:
    mailbox.sender_answer = "451 not now"
    yield
    mailbox.sender_answer = None


@asynccontextmanager
async def stalling(mailbox: Mailbox) -> AsyncIterator[None]:
    mailbox.stall = asyncio.Event()
    yield
    mailbox.stall.set()
    mailbox.stall = None


@pytest.mark.parametrize("how", [refusing, stalling], ids=lambda how: str(how.__name__))
async def test_the_mail_server_is_no_use(
    server: RunningServer,
    mailbox: Mailbox,
    how: Callable[[Mailbox], "AsyncIterator[None]"],
) -> None:
    name = f"SMTP server {how.__name__} for 2 s"
    async with watched(server, name) as watch, watch.fault(), how(mailbox):  # type: ignore[attr-defined]
        await asleep()
    assert all(moment.status in {200, 201} for moment in watch.moments)
    for email in watch.registered:
        await mailbox.next_to(email)
