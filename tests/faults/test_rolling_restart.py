"""Two replicas behind nginx are replaced by the next release, one by one, across a migration.

Each is taken out of the balancer before it is stopped, and put back once it is there again. People
use the service all the while. Nobody gets anything but a good answer, or a 503 with
``Retry-After``; nothing that was acknowledged is lost.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from auth_service import __file__ as package_file
from tests.conftest import SECRET, new_postgresql_database
from tests.faults.next_release import REVISION
from tests.faults.watch import watched
from tests.running_server import RunningServer, free_port, serving
from tests.third_party.nginx import reload, running_nginx

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]
ROOT = Path(package_file).parents[1]
BALANCER = """
upstream replicas {{
    {servers}
}}
server {{
    listen 127.0.0.1:{port};
    keepalive_timeout 0;
    location / {{
        proxy_pass http://replicas;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
}}
"""


def configuration(port: int, replicas: list[int]) -> str:
    """A balancer of these replicas."""
    servers = "\n    ".join(f"server 127.0.0.1:{each};" for each in replicas)
    return BALANCER.format(port=port, servers=servers)


@pytest.fixture
def own_database() -> Iterator[str]:
    """A database that may be left on the schema of the next release."""
    with new_postgresql_database(f"auth_rolling_{os.getpid()}") as url:
        yield url


@pytest.fixture
def environment(own_database: str, redis_url: str) -> dict[str, str]:
    return {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": own_database,
        "AUTH_REDIS_URL": redis_url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_TRUSTED_PROXIES": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
        **{
            f"AUTH_RATE_LIMIT_{name}": "1000000/minute"
            for name in ("LOGIN", "ANONYMOUS", "REFRESH", "USER", "MAIL", "MAIL_ADDRESS")
        },
    }


@asynccontextmanager
async def next_release(
    environment: dict[str, str], folder: Path, port: int
) -> AsyncIterator[RunningServer]:
    program = ("tests.faults.next_release", str(folder / "migrations"))
    async with serving(environment, folder=folder, program=program, port=port) as server:
        yield server


async def migrate(environment: dict[str, str], folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.next_release", str(folder / "migrations"), "migrate"),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_replicas_are_replaced_one_by_one_across_a_migration(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ports, folder = [free_port(), free_port()], tmp_path / "nginx"
    async with AsyncExitStack() as running:
        replicas = [
            await running.enter_async_context(serving(environment, folder=tmp_path, port=port))
            for port in ports
        ]
        balancer_port = free_port()
        url = await running.enter_async_context(
            running_nginx(
                folder, configuration(balancer_port, ports), balancer_port, can_reload=True
            )
        )
        balancer = RunningServer(url, balancer_port, replicas[0].process)
        name = "two replicas behind nginx replaced by the next release, across a migration"
        async with watched(balancer, name) as watch, watch.fault():
            assert f"schema at {REVISION}" in await migrate(environment, tmp_path)
            await asyncio.sleep(0.5)
            for replica, port in zip(replicas, ports, strict=True):
                others = [each for each in ports if each != port]
                reload(folder, configuration(balancer_port, others))
                await asyncio.sleep(1)
                assert await replica.stop() == 0
                await running.enter_async_context(next_release(environment, tmp_path, port))
                reload(folder, configuration(balancer_port, ports))
                await asyncio.sleep(1)
