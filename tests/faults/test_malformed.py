"""What no well-meaning client sends: nothing of it is a 5xx, and nobody else notices."""

import asyncio
import random
import re
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET, bearer
from tests.faults.reliability import note
from tests.running_server import RunningServer, serving

SPLINTERS = (b"\0", b"\r\n", b"\n", b"\xff", b'"', b"{", b"%00", b":")
pytestmark = pytest.mark.postgresql
CONNECTIONS = 200
PER_CONNECTION = 20
EXAMPLES = 20
SECONDS = 120
ENVIRONMENT = {
    "AUTH_ENVIRONMENT": "test",
    "AUTH_SECRET_KEYS": SECRET,
    "AUTH_BCRYPT_ROUNDS": "4",
    "AUTH_ACCESS_LOG": "false",
    "AUTH_RATE_LIMIT_LOGIN": "1000000/minute",
    "AUTH_RATE_LIMIT_ANONYMOUS": "1000000/minute",
    "AUTH_RATE_LIMIT_USER": "1000000/minute",
}
ADMIN = {"email": "root@example.com", "password": PASSWORD}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
ENDS_THE_SESSION = "^(/auth/logout|/admin/sessions|/admin/users/.*|/users/me|/users/me/sessions.*)$"
GOOD = (
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 43\r\n\r\n{"email":"ada@example.com","password":"no"}',
    b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"
    b"grant_type=client_credentials",
    b"POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Transfer-Encoding: chunked\r\n\r\n1a\r\n{"refresh_token":"rt_AAAA"}\r\n0\r\n\r\n',
    b"GET /admin/users?limit=5&after=MDE HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer ey.ey.ey\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
)
STRANGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\0" * 64,
    b"\r\n" * 64,
    b"GET / HTTP/9.9\r\n\r\n",
    b"\xff\xfe" * 40 + b"\r\n\r\n",
)


@pytest.fixture
def environment(postgresql_url: str) -> dict[str, str]:
    return ENVIRONMENT | {"AUTH_DATABASE_URL": postgresql_url}


@pytest.fixture
async def server(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with serving(environment, folder=tmp_path) as started:
        yield started
    assert b"Traceback" not in started.log, started.log.decode(errors="replace")


def distorted(choice: random.Random) -> bytes:
    """A good request with some of it changed, left out, doubled or put in; or something strange."""
    if choice.random() < 0.1:
        return choice.choice(STRANGE)
    raw = bytearray(choice.choice(GOOD))
    for _ in range(choice.randint(1, 6)):
        at = choice.randrange(len(raw))
        match choice.randrange(4):
            case 0:
                raw[at] = choice.randrange(256)
            case 1:
                del raw[at : at + choice.randint(1, 8)]
            case 2:
                raw[at:at] = raw[at : at + choice.randint(1, 30)]
            case _:
                raw[at:at] = choice.choice(
                    (b"\0", b"\r\n", b"\n", b"\xff", b'"', b"{", b"%00", b":")
                )
    return bytes(raw)


async def misbehave(server: RunningServer, seed: int) -> list[bytes]:
    """Send one distorted request after the other; the statuses that came."""
    choice = random.Random(seed)  # noqa: S311 - to be the same each time
    statuses: list[bytes] = []
    for _ in range(PER_CONNECTION):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with suppress(ConnectionError):
            writer.write(distorted(choice))
            writer.write_eof()  # whatever the server waits for, it does not come
            statuses += re.findall(rb"^HTTP/1.1 (\d+)", await reader.read(), re.MULTILINE)
        writer.close()
    return statuses


async def test_two_hundred_connections_of_distorted_requests(server: RunningServer) -> None:
    async with server.client() as http:
        await http.post("/auth/register", json=ADMIN)
        tokens = (await http.post("/auth/login", json=ADMIN)).json()
        async with asyncio.timeout(SECONDS):
            tasks = [asyncio.create_task(misbehave(server, seed)) for seed in range(CONNECTIONS)]
            while not all(task.done() for task in tasks):
                assert (await http.get("/users/me", headers=bearer(tokens))).status_code == 200
                await asyncio.sleep(0.05)
        statuses = {status for task in tasks for status in await task}
    assert statuses
    assert not {status for status in statuses if status >= b"5"}, statuses
    note(
        f"{CONNECTIONS} connections of distorted requests, {PER_CONNECTION} each",
        clients_see="those: 4xx, or the end of the connection; others: every answer",
        until_normal="at once",
        lost="nothing",
    )


async def test_nothing_that_schemathesis_makes_up_is_a_5xx(
    server: RunningServer, environment: dict[str, str], tmp_path: Path
) -> None:
    command = CommandLine(tmp_path, environment, in_process=False)
    create = ("users", "create", ADMIN["email"], "--role", "admin")
    await asyncio.to_thread(command.succeed, *create, stdin=PASSWORD)
    async with server.client() as http:
        tokens = (await http.post("/auth/login", json=ADMIN)).json()
        await made_up_requests(server)
        await made_up_requests(
            server,
            *("--header", f"Authorization: Bearer {tokens['access_token']}"),
            *("--exclude-path-regex", ENDS_THE_SESSION),
        )
        assert (await http.get("/admin/users", headers=bearer(tokens))).status_code == 200
    note(
        "requests that schemathesis makes up from the OpenAPI document",
        clients_see="what the document says, never a 5xx",
        until_normal="at once",
        lost="nothing",
    )


async def made_up_requests(server: RunningServer, *options: str) -> None:
    arguments = (
        *("run", f"{server.url}/openapi.json", "--workers", "1", "--phases", "coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES), "--checks", CHECKS),
        *("--continue-on-failure", "--warnings", "off", "--no-color", *options),
    )
    program = Path(sys.executable).parent / "schemathesis"
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(SECONDS):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()[-8000:]
