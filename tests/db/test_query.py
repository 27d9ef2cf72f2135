"""Reads without a transaction: the same values on both databases, and nothing sent besides."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select, text
from sqlalchemy.exc import DBAPIError, MultipleResultsFound

from auth_service.core.errors import ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from tests.db.conftest import samples

OPENED = Callable[..., Database]
Tuples = RowQuery[tuple[Any, ...]]
MOMENT = datetime(2026, 11, 23, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
FILLED: dict[str, Any] = {
    "name": "Ada",
    "seen_at": MOMENT,
    "document": {"roles": ["user", "ä"], "depth": {"of": [1, None, True]}},
    "good": True,
    "counter": 2**40,
    "content": b"\x00\xff",
}
EMPTY: dict[str, Any] = dict.fromkeys(FILLED)


def as_tuple(*row: Any) -> tuple[Any, ...]:
    return row


def sample_query() -> RowQuery[tuple[Any, ...]]:
    columns = [samples.c[name] for name in FILLED]
    return RowQuery(select(*columns).where(samples.c.id == bindparam("id")), as_tuple)


async def fetched(database: Database, query: Tuples) -> tuple[Any, ...] | None:
    return await database.fetch_row(query)


async def stored(database: Database, **values: Any) -> Any:
    sample_id = new_id()
    async with database.transaction() as db:
        await db.execute(insert(samples).values(id=sample_id, **values))
    return sample_id


async def test_every_type_comes_back_as_it_was_stored(database: Database) -> None:
    sample_id = await stored(database, **FILLED)
    row = await database.fetch_row(sample_query(), id=sample_id)
    assert row == tuple(FILLED.values())


async def test_a_time_comes_back_aware_and_in_utc(database: Database) -> None:
    sample_id = await stored(database, seen_at=MOMENT)
    row = await database.fetch_row(sample_query(), id=sample_id)
    assert row is not None
    assert row[1].utcoffset() == timedelta(0)


@pytest.mark.parametrize("good", [True, False])
async def test_a_truth_value_comes_back_as_one(database: Database, good: bool) -> None:  # noqa: FBT001 - a parameter of the test
    sample_id = await stored(database, good=good)
    row = await database.fetch_row(sample_query(), id=sample_id)
    assert row is not None
    assert row[3] is good


async def test_nothing_comes_back_as_none(database: Database) -> None:
    sample_id = await stored(database)
    assert await database.fetch_row(sample_query(), id=sample_id) == tuple(EMPTY.values())


async def test_an_id_comes_back_as_a_uuid(database: Database) -> None:
    sample_id = await stored(database, name="Ada")
    query = RowQuery(select(samples.c.id).where(samples.c.name == bindparam("name")), as_tuple)
    assert await database.fetch_row(query, name="Ada") == (sample_id,)


async def test_no_row_is_none(database: Database) -> None:
    assert await database.fetch_row(sample_query(), id=new_id()) is None


async def test_parameters_reach_their_places_in_any_order(database: Database) -> None:
    sample_id = await stored(database, name="Ada", counter=7)
    query = RowQuery(
        select(samples.c.id).where(
            samples.c.counter == bindparam("counter"),
            samples.c.name == bindparam("name"),
            samples.c.id == bindparam("id"),
        ),
        as_tuple,
    )
    found = await database.fetch_row(query, id=sample_id, name="Ada", counter=7)
    assert found == (sample_id,)


async def test_a_parameter_is_never_read_as_sql(database: Database) -> None:
    await stored(database, name="Ada")
    query = RowQuery(select(samples.c.id).where(samples.c.name == bindparam("name")), as_tuple)
    assert await database.fetch_row(query, name="' OR '1'='1") is None


async def test_a_query_is_compiled_once_for_each_database(database: Database) -> None:
    query = sample_query()
    dialect = database.engine.dialect
    assert query.compiled_for(dialect) is query.compiled_for(dialect)


async def test_a_forgotten_parameter_is_an_error_of_ours(database: Database) -> None:
    with pytest.raises(Exception, match="id"):
        await database.fetch_row(sample_query())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_query_that_finds_two_rows_is_an_error_of_ours(database: Database) -> None:
    await stored(database, name="Ada")
    await stored(database, name="Ada")
    query = RowQuery(select(samples.c.id), as_tuple)
    with pytest.raises(MultipleResultsFound):
        await database.fetch_row(query)


# --- What is sent ---


async def log_queries(database: Database, sent: list[str]) -> None:
    """Have the driver of the pool's only connection note what it sends."""
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.add_query_logger(lambda record: sent.append(record.query))


async def all_logged() -> None:
    """The driver calls its loggers in the next rounds of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_postgresql_is_sent_the_query_and_nothing_else(
    database: Database, new_database: OPENED
) -> None:
    reading = new_database(database_pool_size=1)
    sent: list[str] = []
    await log_queries(reading, sent)
    assert await reading.fetch_row(sample_query(), id=new_id()) is None
    await all_logged()
    assert sent == [sample_query().compiled_for(reading.engine.dialect).text]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_transaction_is_seen_by_the_same_logger(
    database: Database, new_database: OPENED
) -> None:
    writing = new_database(database_pool_size=1)
    sent: list[str] = []
    await log_queries(writing, sent)
    async with writing.transaction() as db:
        await db.execute(select(samples.c.id))
    await all_logged()
    assert sent[0].startswith("BEGIN")
    assert sent[-1].startswith("COMMIT")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_is_sent_the_query_without_a_transaction(
    database: Database, new_database: OPENED
) -> None:
    reading = new_database()
    sent: list[str] = []
    async with reading.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.set_trace_callback(sent.append)
    assert await reading.fetch_row(sample_query(), id=new_id()) is None
    assert sent[0].startswith("SELECT")
    assert not any(word in " ".join(sent) for word in ("BEGIN", "COMMIT", "ROLLBACK"))


# --- What goes wrong ---


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_cancelled_read_leaves_the_only_connection_usable(new_database: OPENED) -> None:
    database = new_database(database_pool_size=1)
    asleep: Tuples = RowQuery(select(func.pg_sleep(text("20"))), as_tuple)
    awake: Tuples = RowQuery(select(func.length(text("'1'"))), as_tuple)
    task = asyncio.create_task(fetched(database, asleep))
    async with new_database().engine.connect() as watching:
        # In one transaction it would see the same activity again and again.
        await watching.execution_options(isolation_level="AUTOCOMMIT")
        for _ in range(500):
            if await watching.scalar(SLEEPING):
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("the read did not start")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [await fetched(database, awake) for _ in range(3)] == [(1,), (1,), (1,)]


SLEEPING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_read_that_takes_too_long_is_an_outage(new_database: OPENED) -> None:
    database = new_database(database_pool_size=1, database_statement_timeout="0.1")
    with pytest.raises(ServiceUnavailable):
        await database.fetch_row(RowQuery(select(func.pg_sleep(text("20"))), as_tuple))
    assert await database.fetch_row(RowQuery(select(func.length(text("'1'"))), as_tuple)) == (1,)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_whose_read_went_wrong_is_not_used_again(new_database: OPENED) -> None:
    database = new_database(database_pool_size=1, database_statement_timeout="0.1")
    process_id: Tuples = RowQuery(select(func.pg_backend_pid()), as_tuple)
    before = await fetched(database, process_id)
    assert await fetched(database, process_id) == before
    with pytest.raises(ServiceUnavailable):
        await database.fetch_row(RowQuery(select(func.pg_sleep(text("20"))), as_tuple))
    assert await fetched(database, process_id) != before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_wrong_statement_is_an_error_of_ours(new_database: OPENED) -> None:
    database = new_database(database_pool_size=1)
    with pytest.raises(Exception, match="no_such_function") as raised:
        await database.fetch_row(RowQuery(select(func.no_such_function()), as_tuple))
    assert not isinstance(raised.value, ServiceUnavailable | DBAPIError)
    assert await database.fetch_row(RowQuery(select(func.length(text("'1'"))), as_tuple)) == (1,)


def test_the_moment_of_these_tests_is_not_in_utc() -> None:
    assert MOMENT.astimezone(UTC).hour != MOMENT.hour
