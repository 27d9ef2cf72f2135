"""Cleaning away rows that nobody needs any more, in batches that nobody has to wait for."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from auth_service.db.session import Database

BATCH: Final = 500


async def delete_batch(
    db: AsyncSession, key: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> int:
    """Delete at most so many rows that meet the conditions; how many there were.

    ``key`` is the primary key of the table.
    """
    some = select(key).where(*conditions).limit(BATCH)
    result = await db.execute(
        delete(key.class_)
        .where(key.in_(some))
        .returning(key)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


async def in_batches(
    database: Database, delete_some: Callable[[AsyncSession], Awaitable[int]]
) -> None:
    """Delete batch after batch, each in a transaction of its own, until one is not full.

    Raises:
        ServiceUnavailable: the database was lost; the batches before are gone all the same.
    """
    deleted = BATCH
    while deleted == BATCH:
        async with database.transaction() as db:
            deleted = await delete_some(db)
