"""The parts that tests stand on: real databases, a clock that can be moved, the app, a server.

PostgreSQL and Redis are used where they are reachable, SQLite always. A missing server is a
visible skip for whoever tries the tests, and a failure where `CI` is set.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import structlog
from fastapi import FastAPI

from auth_service.app import create_app
from auth_service.db import schema
from auth_service.db.base import Base
from auth_service.db.engine import new_engine
from auth_service.settings import Settings
from tests.moving_clock import MovingClock
from tests.running_server import RunningServer, serving

POSTGRESQL_URL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://root@127.0.0.1:5432/postgres")
# Tests that run side by side (pytest-xdist) each have a Redis database of their own to empty.
_REDIS_DATABASE = 10 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 6
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379") + f"/{_REDIS_DATABASE}"
SECRET = "a secret of the tests that has at least 32 characters"
NOWHERE = "smtp://127.0.0.1:1"
"""Mail goes nowhere, unless a test has a mailbox."""
PASSWORD = "correct horse battery staple"

AppFactory = Callable[..., AbstractAsyncContextManager[FastAPI]]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: those of a new key or signature differ from run to run."""
    return f"{argname}-of-{len(val)}-bytes" if isinstance(val, bytes) else None


def missing(what: str) -> NoReturn:
    """Skip the test, visibly; where everything has to be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is required where CI is set")
    pytest.skip(f"{what} is not reachable")


def is_listening(url: str, default_port: int) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or default_port), 1
        ):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, `.env` or file of the developer's reaches a test."""
    for name in os.environ:
        if name.startswith("AUTH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _fresh_logging() -> Iterator[None]:
    yield
    structlog.reset_defaults()


async def migrated(url: str) -> None:
    engine = new_engine(Settings(database_url=url, secret_keys=[SECRET]))
    try:
        await schema.migrate(engine)
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrated(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    path = tmp_path / "test.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


async def _execute(url: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(url)  # type: ignore[no-untyped-call]
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def new_postgresql_database(name: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped afterwards."""
    if not is_listening(POSTGRESQL_URL, 5432):
        missing("PostgreSQL")
    asyncio.run(_execute(POSTGRESQL_URL, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    asyncio.run(_execute(POSTGRESQL_URL, f'CREATE DATABASE "{name}"'))
    try:
        yield POSTGRESQL_URL.rpartition("/")[0] + "/" + name
    finally:
        asyncio.run(_execute(POSTGRESQL_URL, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def _migrated_postgresql() -> Iterator[str]:
    with new_postgresql_database(f"auth_test_{os.getpid()}") as url:
        asyncio.run(migrated(url))
        yield url


@pytest.fixture
def postgresql_url(_migrated_postgresql: str) -> str:
    """A migrated PostgreSQL database, empty at the start of the test."""
    # The audit tables refuse deletion by trigger; a replica's session runs no trigger and checks no
    # foreign key. DELETE takes 1 ms where TRUNCATE, which makes new files, takes 54.
    deletions = "; ".join(f"DELETE FROM {table}" for table in Base.metadata.tables)  # noqa: S608
    emptying = f"SET session_replication_role = 'replica'; {deletions}"
    asyncio.run(_execute(_migrated_postgresql, emptying))
    return _migrated_postgresql


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn: what holds, holds on both."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A real Redis; the keys of this service are removed before and after."""
    if not is_listening(REDIS_URL, 6379):
        missing("Redis")
    import redis

    with redis.Redis.from_url(REDIS_URL) as store:
        store.flushdb()
        yield REDIS_URL
        store.flushdb()


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


def settings_for(url: str, **changes: Any) -> Settings:
    """Settings with cheap hashes and limits out of the way, unless a test wants them."""
    values: dict[str, Any] = {
        "environment": "test",
        "database_url": url,
        "secret_keys": [SECRET],
        "bcrypt_rounds": 4,
        "rate_limit_login": "10000/minute",
        "rate_limit_anonymous": "10000/minute",
        "rate_limit_refresh": "10000/minute",
        "rate_limit_mail": "10000/minute",
        "rate_limit_mail_address": "10000/minute",
        "throttle_network_tries": 10000,
        "throttle_address_tries": 10000,
        "mail_url": NOWHERE,
    }
    return Settings(**(values | changes))


@pytest.fixture
def new_app(database_url: str, clock: MovingClock) -> AppFactory:
    """Make and start apps on the test's database, with settings of their own."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[FastAPI]:
        app = create_app(settings_for(database_url, **changes), clock=clock)
        async with app.router.lifespan_context(app):
            yield app

    return start


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app() as started:
        yield started


def client_of(app: FastAPI, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=options.pop("peer", ("198.51.100.7", 40000)))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", **options)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as http:
        yield http


@pytest.fixture
def credentials() -> dict[str, str]:
    return {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
async def tokens(client: httpx.AsyncClient, credentials: dict[str, str]) -> dict[str, Any]:
    """The tokens of a registered user who has logged in."""
    registered = await client.post("/auth/register", json=credentials)
    assert registered.status_code == 201, registered.text
    answer = await client.post("/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture
def new_server(
    database_url: str, tmp_path: Path
) -> Iterator[Callable[..., AbstractAsyncContextManager[RunningServer]]]:
    """Start real servers (`auth-service serve`) on the test's database."""

    @asynccontextmanager
    async def start(*, is_issuer: bool = False, **changes: str) -> AsyncIterator[RunningServer]:
        environment = {
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": database_url,
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_BCRYPT_ROUNDS": "4",
            "AUTH_COOKIE_SECURE": "false",
            "AUTH_RATE_LIMIT_LOGIN": "10000/minute",
            "AUTH_RATE_LIMIT_ANONYMOUS": "10000/minute",
            "AUTH_RATE_LIMIT_REFRESH": "10000/minute",
            "AUTH_RATE_LIMIT_MAIL": "10000/minute",
            "AUTH_RATE_LIMIT_MAIL_ADDRESS": "10000/minute",
            "AUTH_MAIL_URL": NOWHERE,
        }
        async with serving(environment | changes, folder=tmp_path, is_issuer=is_issuer) as server:
            yield server

    return start  # type: ignore[return-value]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium")
    subprocess.run([path, "--version"], check=True, capture_output=True)
    return path
