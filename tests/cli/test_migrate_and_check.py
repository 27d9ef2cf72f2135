"""`auth-service migrate` and `auth-service check`."""

import json
import sqlite3
from contextlib import closing

import pytest

from auth_service.db import schema
from tests.cli.command_line import CommandLine


def test_an_empty_folder_becomes_a_database_at_head(newcomer: CommandLine) -> None:
    assert newcomer.succeed("migrate") == f"schema at {schema.HEAD} (from nothing)\n"
    assert (newcomer.folder / "auth.db").stat().st_mode & 0o777 == 0o600
    newcomer.succeed("users", "list")


def test_migrating_twice_changes_nothing(newcomer: CommandLine) -> None:
    newcomer.succeed("migrate")
    assert newcomer.succeed("migrate") == f"schema at {schema.HEAD} (was there already)\n"


def test_the_schema_of_a_later_release_is_served_and_left_alone(newcomer: CommandLine) -> None:
    newcomer.succeed("migrate")
    with closing(sqlite3.connect(newcomer.folder / "auth.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    newcomer.succeed("users", "list")
    done = newcomer.run("migrate")
    assert done.returncode == 1
    assert "the schema is at 9999, of a later release" in done.stderr


@pytest.mark.postgresql
def test_an_empty_postgresql_database_becomes_one_at_head(
    newcomer: CommandLine, empty_postgresql_url: str
) -> None:
    for state in ("from nothing", "was there already"):
        assert state in newcomer.succeed("migrate", AUTH_DATABASE_URL=empty_postgresql_url)


def test_migrating_makes_no_secret(newcomer: CommandLine) -> None:
    newcomer.succeed("migrate")
    assert not (newcomer.folder / ".auth-secret-keys").exists()


def test_a_service_that_could_serve_is_ok(command_on_each: CommandLine) -> None:
    assert json.loads(command_on_each.succeed("check", "--json")) == [
        {"part": "database", "state": "ok"},
        {"part": "schema", "state": "ok"},
        {"part": "signing_key", "state": "ok"},
    ]


@pytest.mark.postgresql
def test_the_check_warns_of_what_production_should_not_have(
    newcomer: CommandLine, empty_postgresql_url: str
) -> None:
    production = newcomer.with_settings(
        AUTH_ENVIRONMENT="production",
        AUTH_ISSUER="https://auth.example.com",
        AUTH_SECRET_KEYS="0123456789abcdefghijklmnopqrstuvwxyz",
        AUTH_MAIL_URL="smtp://auth:hunter2@127.0.0.1",
        AUTH_DATABASE_URL=empty_postgresql_url,
        AUTH_BCRYPT_ROUNDS="4",
    )
    production.succeed("migrate")
    done = production.run("check", "--json")
    assert done.returncode == 0
    assert "auth-service: warning: AUTH_BCRYPT_ROUNDS is under 10" in done.stderr
    assert "AUTH_BCRYPT_ROUNDS" in {row["part"] for row in json.loads(done.stdout)}


def test_the_check_is_a_table_for_people(command: CommandLine) -> None:
    assert command.succeed("check").splitlines() == [
        "part         state",
        "database     ok",
        "schema       ok",
        "signing_key  ok",
    ]


@pytest.mark.redis
def test_a_reachable_redis_is_ok(command: CommandLine, redis_url: str) -> None:
    parts = json.loads(command.succeed("check", "--json", AUTH_REDIS_URL=redis_url))
    assert {"part": "redis", "state": "ok"} in parts


def test_a_lost_redis_is_degraded_and_no_failure(command: CommandLine) -> None:
    parts = json.loads(command.succeed("check", "--json", AUTH_REDIS_URL="redis://127.0.0.1:1"))
    assert {"part": "redis", "state": "degraded"} in parts


def test_a_secret_that_opens_no_key_is_named(command: CommandLine) -> None:
    command.succeed("check")
    reason = command.fail("check", AUTH_SECRET_KEYS="another secret of at least 32 characters")
    assert reason.startswith("AUTH_SECRET_KEYS lacks the secret ")
    assert "signing keys in the database are encrypted under" in reason


def test_misspelt_variables_are_named_and_no_failure(command: CommandLine) -> None:
    done = command.run("check", AUTH_ISSUR="https://auth.example.com", AUTH_PORT="1")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "auth-service: AUTH_ISSUR is no setting of this service",
        "auth-service: AUTH_PORT is no setting of this service",
    ]
