"""`auth-service serve`: what it says, what it refuses, and that what it says is so."""

import asyncio
import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from auth_service.cli import serving
from auth_service.development_secret import DEVELOPMENT_SECRET_FILE
from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET, bearer, settings_for
from tests.running_server import RunningServer
from tests.running_server import serving as running

PRODUCTION = {
    "AUTH_ENVIRONMENT": "production",
    "AUTH_ISSUER": "https://auth.example.com",
    "AUTH_SECRET_KEYS": "0123456789abcdefghijklmnopqrstuvwxyz",
    "AUTH_MAIL_URL": "smtp://127.0.0.1:1",
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def process(newcomer: CommandLine) -> CommandLine:
    return newcomer.as_process()


def said(server: RunningServer) -> str:
    return server.log.decode()


def obey(hint: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Do as told, in the folder of the server, giving a password."""
    return subprocess.run(
        shlex.split(hint), input=PASSWORD.encode(), cwd=folder, capture_output=True, check=False
    )


async def test_a_newcomer_is_told_where_to_look(tmp_path: Path) -> None:
    async with running({}, folder=tmp_path) as server, server.client() as http:
        (docs,) = re.findall(r"^Docs: +(\S+)$", said(server), re.MULTILINE)
        assert docs == f"http://localhost:{server.port}/docs"
        assert (await http.get(docs)).status_code == 200
        assert f"kept in {tmp_path / DEVELOPMENT_SECRET_FILE}\n" in said(server)
    assert (tmp_path / DEVELOPMENT_SECRET_FILE).stat().st_mode & 0o777 == 0o600


async def test_the_hinted_command_makes_an_admin_and_the_hint_goes(tmp_path: Path) -> None:
    async with running({}, folder=tmp_path) as server, server.client() as http:
        (hint,) = re.findall(r"^Admin: +none yet; (.+)$", said(server), re.MULTILINE)
        made = await asyncio.to_thread(obey, hint, tmp_path)
        assert (made.returncode, made.stderr) == (0, b"")
        credentials = {"email": "you@example.com", "password": PASSWORD}
        tokens = (await http.post("/auth/login", json=credentials)).json()
        me = (await http.get("/users/me", headers=bearer(tokens))).json()
        assert "admin" in me["roles"]
    async with running({}, folder=tmp_path) as server:
        assert "Admin:" not in said(server)
        assert "Docs:" in said(server)


async def test_a_secret_of_ones_own_is_not_announced(tmp_path: Path) -> None:
    async with running({"AUTH_SECRET_KEYS": SECRET}, folder=tmp_path) as server:
        assert "Secret:" not in said(server)
    assert not (tmp_path / DEVELOPMENT_SECRET_FILE).exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - refused
def test_development_listens_on_this_machine_only(process: CommandLine, host: str) -> None:
    reason = process.fail("serve", "--host", host, "--port", "0")
    assert reason.startswith(f"development listens on this machine only, not on {host}: ")
    assert "AUTH_ENVIRONMENT=production" in reason
    assert "AUTH_DEVELOPMENT_EXPOSED=true" in reason


def test_an_empty_environment_is_refused(process: CommandLine) -> None:
    reason = process.fail("serve", "--host", "0.0.0.0", AUTH_ENVIRONMENT="")  # noqa: S104
    assert reason.startswith("AUTH_ENVIRONMENT is empty")


async def test_exposed_development_shows_no_mail(tmp_path: Path) -> None:
    async with (
        running(
            {"AUTH_DEVELOPMENT_EXPOSED": "true"},
            folder=tmp_path,
            arguments=("--host", "0.0.0.0"),  # noqa: S104 - what this is about
        ) as server,
        server.client() as http,
    ):
        assert (await http.get("/dev/mailbox")).status_code == 404
        assert "Mail:" not in said(server)


async def test_both_loopback_addresses_are_served(tmp_path: Path) -> None:
    async with running({}, folder=tmp_path) as server, server.client() as http:
        assert (await http.get("/dev/mailbox")).status_code == 200
        other = await http.get(f"http://[::1]:{server.port}/dev/mailbox")
        assert other.status_code == 200


async def test_a_json_log_has_nothing_but_json(tmp_path: Path) -> None:
    settings = {"AUTH_LOG_FORMAT": "json", "AUTH_ISSUR": "x"}
    async with running(settings, folder=tmp_path) as server:
        pass
    events = [json.loads(line) for line in server.log.splitlines()]
    assert {"serving", "unknown_setting"} <= {event["event"] for event in events}


async def test_misspelt_variables_are_named_and_it_serves(tmp_path: Path) -> None:
    async with running({"AUTH_ISSUR": "x"}, folder=tmp_path) as server:
        assert "AUTH_ISSUR is no setting of this service" in said(server)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_is_a_line(process: CommandLine, taken_port: int, workers: str) -> None:
    reason = process.fail("serve", "--port", str(taken_port), "--workers", workers)
    assert reason == f"cannot listen on localhost port {taken_port}: Address already in use"


@pytest.mark.parametrize("host", ["nobody.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_a_line(process: CommandLine, host: str) -> None:
    assert process.fail("serve", "--host", host).startswith(f"cannot listen on {host} port 8000: ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_secret_that_opens_no_key_is_a_line(command: CommandLine, workers: str) -> None:
    command.succeed("check")
    process = command.as_process()
    reason = process.fail(
        "serve", "--port", "0", "--workers", workers, AUTH_SECRET_KEYS="another " * 5
    )
    assert reason.startswith("AUTH_SECRET_KEYS lacks the secret ")
    assert "keys reencrypt" in reason


def test_every_fault_of_production_is_named(process: CommandLine) -> None:
    done = process.run(
        "serve",
        "--workers",
        "2",
        AUTH_ENVIRONMENT="production",
        AUTH_CORS_ORIGINS="*",
        AUTH_COOKIE_SECURE="false",
    )
    assert (done.returncode, done.stdout) == (1, "")
    named = re.findall(r"AUTH_[A-Z_]+(?= (?:must|is|more))", done.stderr)
    assert named == [
        "AUTH_ISSUER",
        "AUTH_SECRET_KEYS",
        "AUTH_DATABASE_URL",
        "AUTH_WORKERS",
        "AUTH_CORS_ORIGINS",
        "AUTH_COOKIE_SECURE",
        "AUTH_MAIL_URL",
    ]
    assert len(done.stderr.splitlines()) == len(named)


@pytest.mark.postgresql
def test_production_never_migrates_by_itself(
    process: CommandLine, empty_postgresql_url: str
) -> None:
    settings = PRODUCTION | {"AUTH_DATABASE_URL": empty_postgresql_url}
    for _ in range(2):  # nothing was made in the meantime, so it is refused again
        reason = process.fail("serve", "--port", "0", **settings)
        assert reason.startswith("the schema is at nothing, this release serves ")
        assert reason.endswith("run `auth-service migrate`")


@pytest.mark.postgresql
async def test_production_serves_once_migrated_and_logs_json_only(
    process: CommandLine, empty_postgresql_url: str, tmp_path: Path
) -> None:
    settings = PRODUCTION | {"AUTH_DATABASE_URL": empty_postgresql_url, "AUTH_LOG_FORMAT": "json"}
    await asyncio.to_thread(process.succeed, "migrate", **settings)
    async with running(settings, folder=tmp_path) as server, server.client() as http:
        for number in range(5):
            await http.get("/readyz", headers={"X-Request-ID": f"request-{number}"})
        assert (await http.get("/readyz")).json()["status"] == "ok"
        assert await server.stop() == 0
    events = [json.loads(line) for line in server.log.splitlines()]
    ids = [event["request_id"] for event in events if event["event"] == "request"]
    assert {f"request-{number}" for number in range(5)} <= set(ids)
    assert len(ids) == len(set(ids))


def hint_when_called(program: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", [str(program), "serve"])
    return serving._own_name()


def test_the_hint_names_the_module_where_that_was_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = hint_when_called(tmp_path / "auth_service" / "__main__.py", monkeypatch)
    assert hint == f"{sys.executable} -m auth_service"


def test_the_hint_is_relative_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "venv" / "auth-service"
    program.parent.mkdir()
    program.touch()
    assert hint_when_called(program, monkeypatch) == "venv/auth-service"


def test_the_hint_is_absolute_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "auth-service"
    program.touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert hint_when_called(program, monkeypatch) == str(program)


def test_the_hint_is_the_plain_name_where_the_program_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hint_when_called(tmp_path / "gone", monkeypatch) == "auth-service"


def test_an_app_that_does_not_start_is_a_failure(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    with pytest.raises(SystemExit) as end:
        serving._run(settings_for(sqlite_url), [])
    assert end.value.code == 3
