"""The schema: up, down, up again; as the models say; by several replicas at once."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

import auth_service.app  # noqa: F401 - registers every model
from auth_service.core.emails import Email
from auth_service.core.errors import ServiceUnavailable
from auth_service.db import schema
from auth_service.db.base import Base
from auth_service.db.engine import new_engine
from tests.conftest import new_postgresql_database, settings_for

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each database in turn, without a single table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    else:
        with new_postgresql_database(f"auth_migrations_{os.getpid()}") as url:
            yield url


@pytest.fixture
async def engine(empty_url: str) -> AsyncIterator[AsyncEngine]:
    found = new_engine(settings_for(empty_url))
    yield found
    await found.dispose()


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


def run(url: str, *command: str, **changes: str) -> subprocess.Popen[str]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("AUTH_")}
    environment |= {"AUTH_DATABASE_URL": url, "PYTHONPATH": str(REPOSITORY)} | changes
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


# --- Revisions ---


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(schema.migrations_folder()))


def test_there_is_one_head_and_it_is_the_one_written_down() -> None:
    assert scripts().get_heads() == [schema.HEAD]


def test_there_is_one_line_of_revisions_from_an_empty_database() -> None:
    assert scripts().get_bases() == ["0001"]
    assert not any(revision.is_branch_point for revision in scripts().walk_revisions())


def test_the_migrations_of_a_checkout_lie_beside_the_package() -> None:
    assert schema.migrations_folder() == REPOSITORY / "migrations"


def test_the_migrations_of_an_installation_lie_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth_service" / "_migrations").mkdir(parents=True)
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "auth_service" / "db" / "schema.py"))
    assert schema.migrations_folder() == tmp_path / "auth_service" / "_migrations"


# --- Up and down ---


async def test_an_empty_database_has_no_revision(engine: AsyncEngine) -> None:
    assert await schema.current_revision(engine) is None


async def test_a_migrated_database_is_at_head(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    assert await schema.current_revision(engine) == schema.HEAD


async def test_migrating_twice_changes_nothing(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    before = await tables(engine)
    await schema.migrate(engine)
    assert await tables(engine) == before


async def test_down_leaves_nothing_and_up_again_works(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    after_up = await tables(engine)
    await schema.migrate(engine, "base")
    assert await tables(engine) == {"alembic_version"}
    await schema.migrate(engine)
    assert await tables(engine) == after_up == {*Base.metadata.tables, "alembic_version"}


async def test_the_models_are_what_the_migrations_make(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


async def test_the_comparison_sees_a_difference(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE users ADD COLUMN stray VARCHAR(5)"))
        assert await connection.run_sync(_differences) != []


def _differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Base.metadata))


async def test_the_names_of_constraints_are_those_of_the_convention(engine: AsyncEngine) -> None:
    await schema.migrate(engine)
    async with engine.connect() as connection:
        for name, table in Base.metadata.tables.items():
            found = await connection.run_sync(_constraint_names, name)
            expected = {str(c.name) for c in table.constraints} | {
                str(i.name) for i in table.indexes
            }
            assert found == expected, name


def _constraint_names(connection: Connection, table: str) -> set[str | None]:
    inspector = inspect(connection)
    unique = inspector.get_unique_constraints(table)
    behind_constraints = {constraint["name"] for constraint in unique}
    return {
        inspector.get_pk_constraint(table)["name"],
        *(key["name"] for key in inspector.get_foreign_keys(table)),
        *behind_constraints,
        *(index["name"] for index in inspector.get_indexes(table)),
    }


async def test_a_migration_that_fails_leaves_nothing_behind(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    folder = schema.migrations_folder()
    (broken / "env.py").write_text((folder / "env.py").read_text())
    (broken / "versions" / "0001_broken.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (id INTEGER)')\n"
        "    raise RuntimeError('broken')\n"
    )
    monkeypatch.setattr(schema, "migrations_folder", lambda: broken)
    with pytest.raises(RuntimeError, match="broken"):
        await schema.migrate(engine)
    assert await tables(engine) == set()


async def test_a_key_from_before_keys_had_states_signs_on(engine: AsyncEngine) -> None:
    await schema.migrate(engine, "0001")
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO signing_keys "
                "(kid, algorithm, state, public_jwk, private_key, created_at) VALUES "
                "('k', 'ES256', 'active', '{}', :private_key, '2026-11-01 12:00:00+00:00')"
            ),
            {"private_key": b"sealed"},
        )
    await schema.migrate(engine)
    async with engine.connect() as connection:
        [row] = await connection.execute(
            text(
                "SELECT created_at = signs_from AS at_once, token_seconds, state FROM signing_keys"
            )
        )
    assert (bool(row.at_once), row.token_seconds, row.state) == (True, 0, "active")


async def test_addresses_from_before_they_were_compared_as_mail_servers_do_keep_their_accounts(
    engine: AsyncEngine,
) -> None:
    await schema.migrate(engine, "0014")
    people = {
        "Stra\xdfe@b\xfccher.example": "strasse@xn--bcher-kva.example",
        "\ufb01ona@example.com": "fiona@example.com",
        "ADA@example.com": "ada@example.com",
    }
    async with engine.begin() as connection:
        for number, (email, key) in enumerate(people.items()):
            values = {"id": f"{number:032x}", "email": email, "key": key}
            await connection.execute(
                text(
                    "INSERT INTO users (id, email, email_key, email_verified, roles, created_at, "
                    "known_devices, failed_logins, failed_device_logins) VALUES "
                    "(:id, :email, :key, false, '[]', '2026-11-01 12:00:00+00:00', '[]', 0, 0)"
                ),
                values,
            )
    await schema.migrate(engine)
    async with engine.connect() as connection:
        found = list(await connection.scalars(text("SELECT email_key FROM users ORDER BY id")))
    assert found == ["stra\xdfe@xn--bcher-kva.example", "\ufb01ona@example.com", "ada@example.com"]
    assert found == [Email.parse(email).key for email in people]


# --- Several at once ---


@pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)
def test_replicas_that_start_together_all_migrate_or_wait(empty_url: str) -> None:
    count = 4 if empty_url.startswith("postgresql") else 2
    started = [run(empty_url, "auth_service", "migrate") for _ in range(count)]
    outcomes = [(*process.communicate(timeout=120), process.returncode) for process in started]
    assert [code for *_, code in outcomes] == [0] * count, outcomes
    assert all(f"schema at {schema.HEAD}" in out for out, *_ in outcomes)


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
async def test_waiting_for_another_replica_is_no_fault_however_long_it_takes(
    engine: AsyncEngine, empty_url: str
) -> None:
    hasty = new_engine(settings_for(empty_url, database_statement_timeout="0.1"))
    async with engine.connect() as other:
        await other.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema._ADVISORY_LOCK}
        )
        migrating = asyncio.create_task(schema.migrate(hasty))
        # Longer than the client's own limit, which is a second above the server's.
        done, _ = await asyncio.wait({migrating}, timeout=2)
        assert not done, migrating.exception()
    await migrating
    assert await schema.current_revision(engine) == schema.HEAD
    await hasty.dispose()


# --- Faults ---


async def test_an_unreachable_database_is_an_outage() -> None:
    engine = new_engine(settings_for("postgresql://127.0.0.1:1/nowhere"))
    with pytest.raises(ServiceUnavailable):
        await schema.migrate(engine)
    with pytest.raises(ServiceUnavailable):
        await schema.current_revision(engine)


def test_the_command_says_in_one_line_that_the_database_is_away() -> None:
    process = run("postgresql://127.0.0.1:1/nowhere", "auth_service", "migrate")
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert error == "auth-service: The database cannot be reached.\n"


# --- Alembic's own command line ---


def test_alembic_itself_can_be_used_while_developing(empty_url: str) -> None:
    configuration = str(REPOSITORY / "alembic.ini")
    for command in (("upgrade", "head"), ("check",), ("downgrade", "base")):
        process = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", configuration, *command],
            cwd=REPOSITORY,
            env=os.environ | {"AUTH_DATABASE_URL": empty_url, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert process.returncode == 0, process.stderr


def test_the_configuration_names_the_folder() -> None:
    config = Config(REPOSITORY / "alembic.ini")
    assert config.get_main_option("script_location") == "migrations"
