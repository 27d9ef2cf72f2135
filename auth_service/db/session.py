"""The unit of work: the only place in the service that commits or rolls back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from auth_service.core.errors import DomainError
from auth_service.db.engine import new_engine
from auth_service.db.faults import outages_become_unavailable
from auth_service.db.query import AnySelect, Row, RowQuery, fetch_row, fetch_rows
from auth_service.settings import Settings

Transaction = AsyncSession
"""What services pass on and repositories write through; only this module commits it."""


_AFTER_COMMIT: Final = "after_commit"


def after_commit(db: Transaction, act: Callable[[], object]) -> None:
    """Have ``act`` called once what was written has been committed; never if it has not been."""
    db.info.setdefault(_AFTER_COMMIT, []).append(act)


class Database:
    """The database as the rest of the service sees it: transactions, and reads without one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.sessionmaker = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Database":
        """A database for ``AUTH_DATABASE_URL``; connects on first use."""
        return cls(new_engine(settings))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, begun by its first statement.

        Effect: commits at the end, and also on a ``DomainError`` that says ``keeps_writes``; rolls
        back on every other exception. After a commit comes what ``after_commit`` was given.

        Raises:
            ServiceUnavailable: the database was lost; nothing was written.
        """
        with outages_become_unavailable():
            async with self.sessionmaker() as session:
                try:
                    yield session
                except DomainError as refusal:
                    if refusal.keeps_writes:
                        await self._commit(session)
                    raise
                await self._commit(session)

    async def _commit(self, session: AsyncSession) -> None:
        await session.commit()
        for act in session.info.pop(_AFTER_COMMIT, ()):
            act()

    async def fetch_row(self, query: RowQuery[Row], **values: object) -> Row | None:
        """The one row that the query finds, or None; runs outside any transaction.

        Raises:
            ServiceUnavailable: the database cannot be reached or did not answer in time.
        """
        return await fetch_row(self.engine, query, **values)

    async def write_row(self, query: RowQuery[Row], **values: object) -> Row | None:
        """What the one row that the query updates gives back, or None; a transaction by itself.

        Effect: the database has committed it when this returns. For a request that writes nothing
        else: what comes after it can fail without undoing it.

        Raises:
            ServiceUnavailable: the database was lost, before it was written or just after.
        """
        return await fetch_row(self.engine, query, **values)

    async def fetch_rows(self, statement: AnySelect, row: Callable[..., Row]) -> list[Row]:
        """Every row that the statement finds, given to ``row``; runs outside any transaction.

        Raises:
            ServiceUnavailable: the database cannot be reached or did not answer in time.
        """
        return await fetch_rows(self.engine, statement, row)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()
