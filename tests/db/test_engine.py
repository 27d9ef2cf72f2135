"""The engine: how connections are set up, how many there are, how long anything may wait."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from auth_service.core.errors import ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.db.engine import new_engine, patient_engine
from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.users.models import User
from tests.conftest import settings_for
from tests.db.conftest import samples

OPENED = Callable[..., Database]
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def value_of(database: Database, statement: str) -> object:
    async with database.transaction() as db:
        return await db.scalar(text(statement))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def process_id(db: AsyncSession) -> int:
    return int(await db.scalar(text("SELECT pg_backend_pid()")) or 0)


# --- SQLite ---


@on_sqlite
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("busy_timeout", 1500)],
)
async def test_sqlite_is_durable_strict_and_patient(
    new_database: OPENED, pragma: str, value: object
) -> None:
    database = new_database(database_lock_timeout="1.5")
    assert await value_of(database, f"PRAGMA {pragma}") == value


async def test_a_database_in_memory_makes_no_file(tmp_path: Path) -> None:
    database = Database(new_engine(settings_for("sqlite+aiosqlite:///:memory:")))
    try:
        assert await value_of(database, "SELECT 1") == 1
    finally:
        await database.close()
    assert names_in(tmp_path) == []


@on_sqlite
async def test_sqlite_refuses_a_row_whose_parent_is_missing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as db:
            await db.execute(insert(samples).values(id=new_id(), parent_id=new_id()))


@on_sqlite
async def test_a_writer_has_the_lock_from_its_first_statement_on(new_database: OPENED) -> None:
    database = new_database(database_lock_timeout="0.1")
    async with database.transaction() as first:
        await first.execute(text("SELECT 1"))
        with pytest.raises(ServiceUnavailable):
            await value_of(database, "SELECT 1")
    assert await value_of(database, "SELECT 1") == 1


@on_sqlite
async def test_writers_wait_for_each_other(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as db:
            count = await db.scalar(text("SELECT count(*) FROM samples"))
            await db.execute(insert(samples).values(id=new_id(), counter=count))

    await asyncio.gather(*(write() for _ in range(20)))
    assert await value_of(database, "SELECT count(DISTINCT counter) FROM samples") == 20


@on_sqlite
async def test_reads_go_on_while_somebody_writes(new_database: OPENED) -> None:
    database = new_database(database_lock_timeout="0.1")
    query: RowQuery[int] = RowQuery(select(func.count()).select_from(User), lambda count: count)
    async with database.transaction() as db:
        await db.execute(text("DELETE FROM users"))
        assert await database.fetch_row(query) == 0


@on_sqlite
async def test_a_commit_that_failed_holds_no_lock(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as db:
            await db.execute(insert(samples).values(id=new_id(), parent_id=new_id()))
    assert await value_of(database, "SELECT count(*) FROM samples") == 0


@on_sqlite
async def test_a_migration_on_sqlite_waits_longer_for_the_write_lock(
    new_database: OPENED,
) -> None:
    hasty = new_database(database_lock_timeout="0.05")
    async with hasty.transaction() as writer:
        await writer.execute(text("SELECT 1"))
        with pytest.raises(ServiceUnavailable):
            async with hasty.transaction() as other:
                await other.execute(text("SELECT 1"))
        waiting = asyncio.create_task(_begun(patient_engine(hasty.engine)))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
    await waiting


async def _begun(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("SELECT 1"))


# --- PostgreSQL ---


@on_postgresql
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "1500ms"),
        ("lock_timeout", "700ms"),
        ("idle_in_transaction_session_timeout", "9s"),
        ("TimeZone", "UTC"),
        ("application_name", "auth_service"),
    ],
)
async def test_the_server_knows_the_limits(
    new_database: OPENED, setting: str, value: object
) -> None:
    database = new_database(database_statement_timeout="1.5", database_lock_timeout="0.7")
    assert await value_of(database, f"SHOW {setting}") == value


@on_postgresql
async def test_a_limit_under_a_millisecond_does_not_switch_it_off(new_database: OPENED) -> None:
    database = new_database(database_lock_timeout="0.0001")
    assert await value_of(database, "SHOW lock_timeout") == "1ms"


@on_postgresql
async def test_a_migration_has_no_limits(database: Database) -> None:
    async with patient_engine(database.engine).connect() as connection:
        for setting in ("statement_timeout", "lock_timeout"):
            assert await connection.scalar(text(f"SHOW {setting}")) == "0"


@on_postgresql
async def test_there_are_never_more_connections_than_the_pool_may_have(
    new_database: OPENED,
) -> None:
    database = new_database(database_pool_size=3)
    used: set[int] = set()

    async def use() -> None:
        async with database.transaction() as db:
            used.add(await process_id(db))
            await asyncio.sleep(0.01)

    await asyncio.gather(*(use() for _ in range(20)))
    assert len(used) == 3


@on_postgresql
async def test_an_exhausted_pool_is_an_outage_for_writes_and_reads(new_database: OPENED) -> None:
    database = new_database(database_pool_size=2, database_pool_timeout="0.1")
    async with AsyncExitStack() as held:
        for _ in range(2):
            db = await held.enter_async_context(database.transaction())
            await process_id(db)
        with pytest.raises(ServiceUnavailable):
            await value_of(database, "SELECT 1")
        with pytest.raises(ServiceUnavailable):
            await database.fetch_row(
                RowQuery(select(func.count()).select_from(User), lambda count: count)
            )
    assert await value_of(database, "SELECT 1") == 1


@on_postgresql
async def test_a_connection_that_the_server_closed_costs_no_request(
    new_database: OPENED,
) -> None:
    database = new_database(database_pool_size=1)
    async with database.transaction() as db:
        before = await process_id(db)
    await value_of(new_database(), f"SELECT pg_terminate_backend({before})")
    await asyncio.sleep(0.2)  # the news has to arrive; later would be an outage, never a success
    async with database.transaction() as db:
        assert await process_id(db) != before


@on_postgresql
async def test_a_statement_that_takes_too_long_is_an_outage(new_database: OPENED) -> None:
    database = new_database(database_statement_timeout="0.1")
    with pytest.raises(ServiceUnavailable):
        await value_of(database, "SELECT pg_sleep(20)")


@on_postgresql
async def test_a_lock_that_takes_too_long_is_an_outage(
    database: Database, new_database: OPENED
) -> None:
    hasty = new_database(database_lock_timeout="0.1")
    async with database.transaction() as db:
        await db.execute(text("LOCK TABLE samples"))
        with pytest.raises(ServiceUnavailable):
            await value_of(hasty, "SELECT count(*) FROM samples")


@on_postgresql
async def test_of_two_transactions_in_a_deadlock_one_is_told_to_try_again(
    database: Database,
) -> None:
    ids = [new_id(), new_id()]
    async with database.transaction() as db:
        for sample_id in ids:
            await db.execute(insert(samples).values(id=sample_id))
    both_began = asyncio.Barrier(2)

    async def update_in(order: list[object]) -> None:
        async with database.transaction() as db:
            for turn, sample_id in enumerate(order):
                await db.execute(
                    text("UPDATE samples SET counter = 1 WHERE id = :id"), {"id": sample_id}
                )
                if turn == 0:
                    await both_began.wait()

    outcomes = await asyncio.gather(
        update_in([*ids]), update_in([*reversed(ids)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome] == [ServiceUnavailable]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_what_was_sent_is_never_part_of_an_error(database: Database) -> None:
    sample_id = new_id()
    with pytest.raises(IntegrityError) as raised:  # noqa: PT012 - two rows are needed
        async with database.transaction() as db:
            for _ in range(2):
                await db.execute(insert(samples).values(id=sample_id, name="hunter2"))
    assert "hunter2" not in str(raised.value)


@on_postgresql
async def test_a_connection_whose_driver_is_confused_is_never_used_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is for a moment once the server has ended it."""

    async def prepare(*_: object, **__: object) -> None:
        raise asyncpg.exceptions.InternalClientError("cannot switch to state 12")

    async with database.transaction() as db:
        before = await process_id(db)
    with monkeypatch.context() as confusing:
        confusing.setattr(asyncpg.Connection, "prepare", prepare)
        with pytest.raises(ServiceUnavailable):
            async with database.transaction() as db:
                await db.execute(select(func.now() + text("interval '1 s'")))
    async with database.transaction() as db:
        assert await process_id(db) != before
