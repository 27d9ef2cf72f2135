"""One transaction: what is kept, what is not, and what the caller hears."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.core.errors import DomainError, Kind, ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.db.session import Database, after_commit
from tests.db.conftest import samples

OPENED = Callable[..., Database]


class Refused(DomainError):
    """A refusal that takes everything back."""

    kind = Kind.FORBIDDEN
    code = "refused"
    title = "Refused"


class RefusedAndNoted(Refused):
    """A refusal that is written down."""

    keeps_writes = True


async def write(db: AsyncSession) -> UUID:
    sample_id = new_id()
    await db.execute(insert(samples).values(id=sample_id))
    return sample_id


async def count(database: Database) -> int:
    async with database.engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(samples)) or 0


async def test_what_was_written_is_kept_when_all_went_well(database: Database) -> None:
    async with database.transaction() as db:
        await write(db)
    assert await count(database) == 1


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), Refused()])
async def test_an_error_takes_back_what_was_written(database: Database, fault: Exception) -> None:
    with pytest.raises(type(fault)) as raised:  # noqa: PT012 - writes first
        async with database.transaction() as db:
            await write(db)
            raise fault
    assert raised.value is fault
    assert await count(database) == 0


async def test_a_refusal_that_keeps_its_writes_is_heard_and_kept(database: Database) -> None:
    with pytest.raises(RefusedAndNoted):  # noqa: PT012 - writes first
        async with database.transaction() as db:
            await write(db)
            raise RefusedAndNoted
    assert await count(database) == 1


async def test_a_cancelled_transaction_takes_back_what_was_written(database: Database) -> None:
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with database.transaction() as db:
            await write(db)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await asyncio.wait_for(written.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database) == 0


@pytest.mark.parametrize("refusal", [None, RefusedAndNoted()])
async def test_a_commit_that_fails_is_heard(
    database: Database, refusal: RefusedAndNoted | None
) -> None:
    with pytest.raises(IntegrityError):  # noqa: PT012 - the end of the block raises
        async with database.transaction() as db:
            # The constraint is deferred, so nothing is wrong before the commit.
            await db.execute(insert(samples).values(id=new_id(), parent_id=new_id()))
            if refusal is not None:
                raise refusal
    assert await count(database) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_lost_before_the_commit_is_an_outage(
    database: Database, new_database: OPENED
) -> None:
    with pytest.raises(ServiceUnavailable):  # noqa: PT012 - the end of the block raises
        async with database.transaction() as db:
            await write(db)
            await terminate(new_database(), await db.scalar(text("SELECT pg_backend_pid()")))
    assert await count(database) == 0


async def terminate(database: Database, process_id: int | None) -> None:
    async with database.engine.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:id)"), {"id": process_id})


async def test_nothing_is_sent_for_a_transaction_that_is_not_used(
    new_database: OPENED,
) -> None:
    database = new_database(database_pool_size=1, database_pool_timeout="0.2")
    async with database.transaction(), database.transaction() as db:
        # Had the outer one taken the only connection, this would be an outage.
        assert await db.scalar(text("SELECT 1")) == 1


async def test_rows_stay_readable_after_the_commit(database: Database) -> None:
    async with database.transaction() as db:
        sample_id = await write(db)
        row = (await db.execute(select(samples.c.id))).one()
    assert row.id == sample_id


async def test_a_closed_database_opens_again_when_it_is_asked(database: Database) -> None:
    await database.close()
    assert await count(database) == 0


# --- After the commit ---


async def test_what_comes_after_the_commit_sees_what_was_written(database: Database) -> None:
    done: list[str] = []
    async with database.transaction() as db:
        await write(db)
        after_commit(db, lambda: done.append("first"))
        after_commit(db, lambda: done.append("second"))
        assert done == []
    assert done == ["first", "second"]
    assert await count(database) == 1


async def test_it_comes_after_a_refusal_that_keeps_its_writes_too(database: Database) -> None:
    done: list[str] = []
    with pytest.raises(RefusedAndNoted):  # noqa: PT012 - notes first
        async with database.transaction() as db:
            after_commit(db, lambda: done.append("noted"))
            raise RefusedAndNoted
    assert done == ["noted"]


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), Refused()])
async def test_it_does_not_come_when_nothing_was_written(
    database: Database, fault: Exception
) -> None:
    done: list[str] = []
    with pytest.raises(type(fault)):  # noqa: PT012 - notes first
        async with database.transaction() as db:
            after_commit(db, lambda: done.append("never"))
            raise fault
    assert done == []
