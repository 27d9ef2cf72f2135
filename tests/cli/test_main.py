"""`auth-service`: what every command has, and the small ones."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from auth_service import __version__
from auth_service.app import create_app
from auth_service.cli.main import app
from auth_service.settings import MINIMUM_SECRET_LENGTH
from tests.cli.command_line import CommandLine
from tests.conftest import SECRET, settings_for


def commands_below(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands_below(command, (*path, name))


COMMANDS = list(commands_below(typer.main.get_command(app)))


def test_the_promised_commands_are_there() -> None:
    promised = {"serve", "migrate", "check", "openapi", "secret"}
    promised_below = {("users", "create"), ("users", "list"), ("users", "disable")}
    assert {(name,) for name in promised} | promised_below | {("keys", "list")} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output
    assert result.stderr == ""


def test_help_needs_no_valid_settings(newcomer: CommandLine) -> None:
    assert "serve" in newcomer.as_process().succeed("--help", AUTH_ENVIRONMENT="nonsense")


def test_the_version_is_printed(newcomer: CommandLine) -> None:
    assert newcomer.as_process().succeed("--version") == f"{__version__}\n"


def test_an_unknown_command_is_a_usage_error(newcomer: CommandLine) -> None:
    done = newcomer.run("bogus")
    assert done.returncode == 2
    assert "No such command 'bogus'" in done.stderr


@pytest.mark.parametrize("port", ["web", "-1", "65536"])
def test_a_bad_port_is_a_usage_error(newcomer: CommandLine, port: str) -> None:
    done = newcomer.run("serve", "--port", port)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: Invalid value for '--port'")


def test_no_workers_are_a_usage_error(newcomer: CommandLine) -> None:
    assert newcomer.run("serve", "--workers", "0").returncode == 2


def test_a_secret_is_long_enough_and_new_each_time(newcomer: CommandLine) -> None:
    first, second = (newcomer.succeed("secret").rstrip("\n") for _ in range(2))
    assert min(len(first), len(second)) >= MINIMUM_SECRET_LENGTH
    assert first != second


def test_a_secret_is_printed_without_touching_the_folder(newcomer: CommandLine) -> None:
    newcomer.succeed("secret")
    assert list(newcomer.folder.iterdir()) == []


def test_the_openapi_document_is_the_apps(command: CommandLine, sqlite_url: str) -> None:
    printed = json.loads(command.succeed("openapi"))
    assert printed == json.loads(json.dumps(create_app(settings_for(sqlite_url)).openapi()))


def test_the_openapi_document_can_be_written_to_a_file(command: CommandLine) -> None:
    assert command.succeed("openapi", "--output", "openapi.json") == ""
    assert (command.folder / "openapi.json").read_text() == command.succeed("openapi")


def test_an_unwritable_file_is_named(command: CommandLine) -> None:
    missing = command.folder / "missing" / "openapi.json"
    reason = command.fail("openapi", "--output", str(missing))
    assert reason == f"cannot write {missing}: No such file or directory"


@pytest.mark.parametrize("arguments", [["check"], ["openapi"], ["migrate"], ["users", "list"]])
def test_every_bad_setting_is_named_on_a_line_without_its_value(
    newcomer: CommandLine, arguments: list[str]
) -> None:
    done = newcomer.run(
        *arguments,
        AUTH_ENVIRONMENT="production",
        AUTH_SECRET_KEYS="short-secret",
        AUTH_CORS_ORIGINS="*",
        AUTH_COOKIE_SECURE="false",
    )
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.removeprefix("auth-service: ").splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "AUTH_ISSUER",
        "AUTH_SECRET_KEYS",
        "AUTH_DATABASE_URL",
        "AUTH_CORS_ORIGINS",
        "AUTH_COOKIE_SECURE",
        "AUTH_MAIL_URL",
    ]
    assert "short-secret" not in done.stderr


def test_a_broken_env_file_is_named(newcomer: CommandLine) -> None:
    (newcomer.folder / ".env").write_bytes(b"AUTH_AUDIENCE=\xff\n")
    assert newcomer.fail("check") == ".env is not UTF-8"


def test_the_env_file_is_read(newcomer: CommandLine) -> None:
    (newcomer.folder / ".env").write_text("AUTH_LOG_LEVEL=loud\n")
    assert newcomer.fail("check") == "AUTH_LOG_LEVEL must be debug, info, warning or error"


UNREACHABLE = {
    "unknown host": "postgresql://root:hidden-word@database.invalid/auth",
    "closed port": "postgresql://root:hidden-word@127.0.0.1:1/auth",
    "missing folder": "sqlite:////missing/folder/auth.db",
}


@pytest.mark.parametrize("url", UNREACHABLE.values(), ids=UNREACHABLE.keys())
@pytest.mark.parametrize("arguments", [["check"], ["migrate"], ["serve", "--port", "0"]], ids=str)
def test_an_unreachable_database_is_a_line_without_its_password(
    newcomer: CommandLine, arguments: list[str], url: str
) -> None:
    done = newcomer.as_process().run(*arguments, AUTH_DATABASE_URL=url, AUTH_SECRET_KEYS=SECRET)
    assert done.returncode == 1
    assert done.stderr == "auth-service: The database cannot be reached.\n"
    assert "hidden-word" not in done.stdout


@pytest.mark.postgresql
def test_a_database_that_does_not_exist_is_a_line(
    newcomer: CommandLine, postgresql_url: str
) -> None:
    url = postgresql_url.rpartition("/")[0] + "/no_such_database"
    assert newcomer.fail("check", AUTH_DATABASE_URL=url) == "The database cannot be reached."


@pytest.mark.postgresql
def test_an_unknown_database_user_is_a_line(newcomer: CommandLine, postgresql_url: str) -> None:
    url = "postgresql://no_such_user:x@" + postgresql_url.rpartition("@")[2]
    assert newcomer.fail("check", AUTH_DATABASE_URL=url) == "The database cannot be reached."


@pytest.mark.parametrize("port", ["web", "65536"])
def test_a_database_port_that_is_none_is_a_line(newcomer: CommandLine, port: str) -> None:
    reason = newcomer.fail("check", AUTH_DATABASE_URL=f"postgresql://root@127.0.0.1:{port}/x")
    assert reason == "AUTH_DATABASE_URL must have a number from 0 to 65535 as its port"


@pytest.mark.parametrize("arguments", [["check"], ["keys", "list"], ["users", "list"]])
def test_an_unmigrated_database_is_a_line_that_says_what_to_run(
    newcomer: CommandLine, arguments: list[str]
) -> None:
    reason = newcomer.fail(*arguments)
    assert reason == "the database's schema is not at head: run `auth-service migrate`"


TALKATIVE = {"PYTHONWARNINGS": "default::ResourceWarning,default::RuntimeWarning"}


@pytest.mark.parametrize(
    "arguments", [["check"], ["migrate"], ["users", "list"], ["keys", "list"], ["openapi"]]
)
def test_a_command_leaves_nothing_open(command: CommandLine, arguments: list[str]) -> None:
    command.as_process().succeed(*arguments, **TALKATIVE)


def test_a_refused_command_leaves_nothing_open(command: CommandLine) -> None:
    command.as_process().fail("users", "disable", "nobody@example.com", **TALKATIVE)


@pytest.mark.postgresql
@pytest.mark.redis
def test_a_command_leaves_nothing_open_on_postgresql_and_redis(
    command: CommandLine, postgresql_url: str, redis_url: str
) -> None:
    servers = {"AUTH_DATABASE_URL": postgresql_url, "AUTH_REDIS_URL": redis_url}
    command.as_process().succeed("check", **servers, **TALKATIVE)
