"""Times: never without a zone, always in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import StatementError

from auth_service.core.ids import new_id
from auth_service.db.base import NAMING_CONVENTION, Base, UtcDateTime
from auth_service.db.session import Database
from tests.db.conftest import samples

NAIVE = datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - what is refused here
ABROAD = datetime(2026, 11, 23, 14, 0, tzinfo=timezone(timedelta(hours=2)))
DIALECTS: list[Dialect] = [postgresql.dialect(), sqlite.dialect()]  # type: ignore[no-untyped-call]


def dialect_name(dialect: Dialect) -> str:
    return dialect.name


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without a zone"):
        async with database.transaction() as db:
            await db.execute(insert(samples).values(id=new_id(), seen_at=NAIVE))


async def test_a_time_of_another_zone_comes_back_in_utc(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute(insert(samples).values(id=new_id(), seen_at=ABROAD))
        found = await db.scalar(select(samples.c.seen_at))
    assert found == ABROAD
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("dialect", DIALECTS, ids=dialect_name)
def test_no_time_stays_no_time(dialect: Dialect) -> None:
    assert UtcDateTime().process_bind_param(None, dialect) is None
    assert UtcDateTime().process_result_value(None, dialect) is None


def test_sqlite_is_given_utc_without_a_zone_and_gets_it_back() -> None:
    dialect = sqlite.dialect()
    kept = UtcDateTime().process_bind_param(ABROAD, dialect)
    assert kept == NAIVE
    assert UtcDateTime().process_result_value(kept, dialect) == NAIVE.replace(tzinfo=UTC)


def test_every_constraint_has_a_name_that_migrations_can_rely_on() -> None:
    assert set(NAMING_CONVENTION) == {"ix", "uq", "ck", "fk", "pk"}
    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)
