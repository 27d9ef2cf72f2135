"""What PostgreSQL refuses to anybody by a trigger, and to the service's own role by its rights."""

import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from auth_service.audit import seal_repository
from auth_service.audit.chain import ChainKey
from auth_service.core.ids import new_id
from tests.audit.conftest import COUNT, erase, problems, record, verified
from tests.conftest import AppFactory
from tests.moving_clock import MovingClock

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]
DOCS = Path(__file__).parents[2] / "docs" / "audit.md"
ROLE = f"auth_service_of_tests_{os.getpid()}"
UPDATES = [
    "UPDATE audit_events SET action = 'logout'",
    "UPDATE audit_events SET ip = '198.51.100.1'",
    "UPDATE audit_events SET ip = NULL",
    "UPDATE audit_events SET salt = NULL, ip = NULL, user_agent = NULL, request_id = NULL,"
    " details = '{}', action = 'logout'",
    "UPDATE audit_seals SET position = position + 100",
    "UPDATE audit_checkpoints SET position = position + 100",
    "UPDATE audit_cuts SET position = position + 100",
]
REMOVALS = [
    *(f"DELETE FROM {table}" for table in ("audit_events", "audit_seals", "audit_checkpoints")),
    *(f"TRUNCATE {table}" for table in ("audit_events", "audit_seals", "audit_checkpoints")),
    "TRUNCATE audit_cuts",
]


async def execute(app: FastAPI, *statements: str) -> None:
    async with app.state.database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement", [*(each for each in UPDATES if "cuts" not in each), *REMOVALS]
)
async def test_rows_can_only_be_added(chain: FastAPI, statement: str) -> None:
    with pytest.raises(DBAPIError, match="can only be added"):
        await execute(chain, statement)
    assert await problems(chain) == []


async def test_nothing_of_the_last_week_is_removed_whoever_asks(chain: FastAPI) -> None:
    with pytest.raises(DBAPIError, match="the last seven days stay"):
        await execute(chain, "SELECT auth_audit_remove(3)")
    assert (await verified(chain)).checked == COUNT


async def test_one_worker_seals_at_a_time_and_the_others_do_not_wait(app: FastAPI) -> None:
    await record(app)
    number = (await app.state.audit_keys.get()).lock_number
    async with app.state.database.transaction() as db:
        assert await seal_repository.try_lock(db, number)
        assert await app.state.audit_sealer.seal_all() == 0
    assert await app.state.audit_sealer.seal_all() == 1


async def test_nobody_knows_the_lock_who_does_not_have_the_secrets(app: FastAPI) -> None:
    """Whoever knew its number could hold it, and stop sealing."""
    number = (await app.state.audit_keys.get()).lock_number
    assert number != ChainKey(bytes(32), Ed25519PrivateKey.generate()).lock_number
    assert -(2**63) <= number < 2**63


# --- A role of the service's own, with the rights that docs/audit.md gives it ---


@pytest.fixture
async def role(database_url: str) -> AsyncIterator[str]:
    """The role; gone afterwards, with its rights."""
    connection: Any = await asyncpg.connect(database_url)  # type: ignore[no-untyped-call]
    [rights] = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    try:
        await connection.execute(f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE} LOGIN")
        await connection.execute(re.sub(r"\bauth_service\b", ROLE, rights))
        yield ROLE
    finally:
        await connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
        await connection.close()


@pytest.fixture
async def as_role(
    role: str, database_url: str, new_app: AppFactory, clock: MovingClock
) -> AsyncIterator[FastAPI]:
    """An app that logs in as the role, and has sealed some events of long ago."""
    clock.advance(days=-500)
    url = re.sub(r"//[^@]*@", f"//{role}@", database_url)
    async with new_app(database_url=url, audit_seal_interval=timedelta(hours=1)) as app:
        await record(app, COUNT)
        await app.state.audit_sealer.seal_all()
        yield app


async def test_the_role_does_all_that_the_service_has_to(
    as_role: FastAPI, clock: MovingClock
) -> None:
    user = new_id()
    await record(as_role, 2, subject=user)
    await erase(as_role, user)
    clock.advance(minutes=2)
    await as_role.state.audit_sealer.seal_all()
    assert (await verified(as_role)).problems == []
    clock.advance(days=401)
    await record(as_role)
    await as_role.state.audit_sealer.seal_all()
    await as_role.state.audit_sealer.remove_old()
    report = await verified(as_role)
    assert (report.checked, report.problems) == (1, [])


@pytest.mark.parametrize(
    "statement",
    [
        *UPDATES,
        *REMOVALS,
        "DELETE FROM audit_cuts",
        "UPDATE audit_keys SET secret = 'x'",
        "DELETE FROM audit_keys",
        "TRUNCATE audit_keys",
        "UPDATE alembic_version SET version_num = '0001'",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_events_guard ON audit_events",
        "DROP FUNCTION auth_audit_guard() CASCADE",
        "DROP TABLE audit_events",
        "SET session_replication_role = 'replica'",
    ],
)
@pytest.mark.parametrize("says_it_is_the_retention", [False, True])
async def test_the_role_can_do_nothing_else(
    as_role: FastAPI, statement: str, *, says_it_is_the_retention: bool
) -> None:
    saying = ["SET LOCAL auth_service.retention = 'on'"] if says_it_is_the_retention else []
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner|can only be added"):
        await execute(as_role, *saying, statement)
    assert await problems(as_role) == []


async def test_a_role_with_the_right_to_delete_cannot_delete_all_the_same(
    as_role: FastAPI, database_url: str
) -> None:
    connection: Any = await asyncpg.connect(database_url)  # type: ignore[no-untyped-call]
    await connection.execute(f"GRANT DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    await connection.close()
    with pytest.raises(DBAPIError, match="can only be added"):
        await execute(
            as_role, "SET LOCAL auth_service.retention = 'on'", "DELETE FROM audit_events"
        )
