"""Several worker processes: both serve, count together, and one that dies is replaced."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import PASSWORD, SECRET, bearer
from tests.running_server import RunningServer, serving

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]
METRICS_TOKEN = "token-of-the-metrics"
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def settings(postgresql_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "temporary").mkdir()
    return {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": postgresql_url,
        "AUTH_REDIS_URL": redis_url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_LOG_FORMAT": "json",
        "AUTH_METRICS_TOKEN": METRICS_TOKEN,
        "TMPDIR": str(tmp_path / "temporary"),
    }


def workers_of(server: RunningServer) -> list[int]:
    """The worker processes, the oldest first; the one that tracks resources is none."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spawned = [
        child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return [int(child) for child in spawned]


async def until_workers(server: RunningServer, count: int) -> list[int]:
    """Wait until so many workers have started, ever, and are ready."""
    for _ in range(300):
        if server.log.count(b"Application startup complete") >= count:
            return workers_of(server)
        await asyncio.sleep(0.05)
    raise AssertionError(server.log.decode())


@asynccontextmanager
async def two_workers(
    settings: dict[str, str], folder: Path, *arguments: str
) -> AsyncIterator[tuple[RunningServer, list[int]]]:
    async with serving(settings, folder=folder, arguments=arguments) as server:
        yield server, await until_workers(server, 2)


@contextmanager
def held(pid: int):  # type: ignore[no-untyped-def] # noqa: ANN201 - a context manager of nothing
    """Keep one worker from doing anything, so that only the other can answer."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def ask(server: RunningServer, path: str, times: int, **headers: str) -> list[httpx.Response]:
    """Ask so often, each time on a new connection."""
    answers = []
    for _ in range(times):
        async with server.client(headers=headers) as http:
            answers.append(await http.get(path))
    return answers


@pytest.mark.parametrize("how", ["--workers", "AUTH_WORKERS"])
async def test_each_of_two_processes_serves(
    settings: dict[str, str], tmp_path: Path, how: str
) -> None:
    arguments = ("--workers", "2") if how == "--workers" else ()
    variables = settings if arguments else settings | {"AUTH_WORKERS": "2"}
    async with two_workers(variables, tmp_path, *arguments) as (server, pids):
        assert len(set(pids)) == 2
        assert server.process.pid not in pids
        for idle in pids:
            with held(idle):
                (answer,) = await ask(server, "/readyz", 1)
            assert answer.json()["checks"]["redis"] == "ok"


async def test_the_option_wins_over_the_variable(settings: dict[str, str], tmp_path: Path) -> None:
    variables = settings | {"AUTH_WORKERS": "2"}
    async with serving(variables, folder=tmp_path, arguments=("--workers", "1")) as server:
        assert workers_of(server) == []


async def test_the_counts_of_both_are_summed(settings: dict[str, str], tmp_path: Path) -> None:
    async with two_workers(settings, tmp_path, "--workers", "2") as (server, (first, second)):
        with held(first):
            await ask(server, "/users/me", 3)
        with held(second):
            await ask(server, "/users/me", 4)
        (answer,) = await ask(server, "/metrics", 1, Authorization=f"Bearer {METRICS_TOKEN}")
    counted = re.findall(
        r'^auth_http_requests_total\{(?=.*route="/users/me")(?=.*status="401").*\} (\S+)$',
        answer.text,
        re.MULTILINE,
    )
    assert [float(value) for value in counted] == [7.0]


async def test_the_counts_leave_no_files_behind(settings: dict[str, str], tmp_path: Path) -> None:
    async with two_workers(settings, tmp_path, "--workers", "2") as (server, _):
        assert any((tmp_path / "temporary").glob("auth-service-metrics-*"))
        assert await server.stop() == 0
    assert list((tmp_path / "temporary").glob("auth-service-metrics-*")) == []


async def test_what_one_worker_signs_the_other_accepts(
    settings: dict[str, str], tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path, "--workers", "2") as (server, (first, second)):
        with held(second):
            async with server.client() as http:
                await http.post("/auth/register", json=CREDENTIALS)
                tokens = (await http.post("/auth/login", json=CREDENTIALS)).json()
        with held(first):
            (answer,) = await ask(server, "/users/me", 1, **bearer(tokens))
            assert answer.status_code == 200
            async with server.client() as http:
                body = {"refresh_token": tokens["refresh_token"]}
                assert (await http.post("/auth/logout", json=body)).status_code == 204
        with held(second):
            (answer,) = await ask(server, "/users/me", 1, **bearer(tokens))
            assert answer.status_code == 401


async def test_a_killed_worker_is_replaced_and_the_service_goes_on(
    settings: dict[str, str], tmp_path: Path
) -> None:
    async with two_workers(settings, tmp_path, "--workers", "2") as (server, pids):
        os.kill(pids[0], signal.SIGKILL)
        (answer,) = await ask(server, "/readyz", 1)
        assert answer.status_code == 200
        survivor, replacement = await until_workers(server, 3)
        assert survivor == pids[1]
        assert replacement not in pids
        with held(pids[1]):
            (answer,) = await ask(server, "/readyz", 1)
        assert answer.status_code == 200
        assert await server.stop() == 0


async def test_all_of_them_log_one_object_a_line(settings: dict[str, str], tmp_path: Path) -> None:
    async with two_workers(settings, tmp_path, "--workers", "2") as (server, _):
        await asyncio.gather(*(ask(server, "/healthz", 5) for _ in range(4)))
        await server.stop()
    lines = [line for line in server.log.splitlines() if b"Docs:" not in line]
    spoken = (b"Admin:", b"Issuer:", b"Stop:")
    events = [json.loads(line) for line in lines if not line.startswith(spoken)]
    ids = [event["request_id"] for event in events if event["event"] == "request"]
    assert len(ids) == len(set(ids)) >= 20
