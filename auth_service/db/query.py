"""Single statements in no transaction of ours: one round trip, where the ORM would take three.

``BEGIN`` and an end around one statement are two needless round trips, and on PostgreSQL most of
the rest of the time goes into layers between the statement and the driver. So a ``RowQuery`` is
compiled once and, on PostgreSQL, run on the driver's own connection, taken from SQLAlchemy's pool.
See docs/decisions/0003-reads-without-transactions.md for the figures.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from auth_service.db.faults import outages_become_unavailable

Row = TypeVar("Row")
_Converter = Callable[[Any], Any]
AnySelect = Select[*tuple[Any, ...]]
AnyUpdate = ReturningUpdate[*tuple[Any, ...]]


class RowQuery(Generic[Row]):
    """A SELECT of at most one row, with ``bindparam``s, and what a row of it becomes.

    Or an UPDATE of at most one row, and what it returns. ``row`` is called with the columns in
    order. Parameters must be of types that the driver takes as they are: UUID, str, int, datetime.
    """

    def __init__(self, statement: AnySelect | AnyUpdate, row: Callable[..., Row]) -> None:
        self.statement = statement
        self.row = row
        self._compiled: dict[str, _Compiled] = {}

    def compiled_for(self, dialect: Dialect) -> "_Compiled":
        """The statement's text, the order of its parameters and how its columns are read."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self.statement, dialect)
        return found


class _Compiled:
    def __init__(self, statement: AnySelect | AnyUpdate, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = compiled.string
        self.parameters: list[str] = list(compiled.positiontup or [])
        self.converters: list[_Converter | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.exported_columns
        ]


async def fetch_row(engine: AsyncEngine, query: RowQuery[Row], **values: object) -> Row | None:
    """The one row that the query finds, or None; runs outside any transaction.

    Raises:
        ServiceUnavailable: the database cannot be reached or did not answer in time.
    """
    with outages_become_unavailable():
        if engine.dialect.name == "postgresql":
            return await _fetch_from_driver(engine, query, values)
        autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        async with autocommit.connect() as connection:
            found = (await connection.execute(query.statement, values)).one_or_none()
            return None if found is None else query.row(*found)


async def fetch_rows(
    engine: AsyncEngine, statement: AnySelect, row: Callable[..., Row]
) -> list[Row]:
    """Every row that the statement finds, given to ``row``; runs outside any transaction.

    Raises:
        ServiceUnavailable: the database cannot be reached or did not answer in time.
    """
    with outages_become_unavailable():
        autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        async with autocommit.connect() as connection:
            return [row(*found) for found in await connection.execute(statement)]


async def _fetch_from_driver(
    engine: AsyncEngine, query: RowQuery[Row], values: dict[str, object]
) -> Row | None:
    compiled = query.compiled_for(engine.dialect)
    connection = await engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        found = await driver.fetchrow(
            compiled.text, *(values[name] for name in compiled.parameters)
        )
    except BaseException:
        # Cancelled or timed out in the middle of an answer: not to be used again.
        connection.invalidate()
        raise
    finally:
        connection.close()
    if found is None:
        return None
    return query.row(
        *(
            value if convert is None else convert(value)
            for convert, value in zip(compiled.converters, found, strict=True)
        )
    )
