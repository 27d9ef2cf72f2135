"""Which faults mean that the database is lost for the moment, rather than that we are wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import structlog
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from auth_service.core.errors import ServiceUnavailable

log = structlog.get_logger()

_LOST: Final[tuple[type[BaseException], ...]] = (
    OSError,
    TimeoutError,
    PoolTimeoutError,
    OperationalError,
    InterfaceError,
    asyncpg.exceptions.InterfaceError,
    # The server said goodbye to an idle connection, whose end has not been noticed yet.
    asyncpg.exceptions.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ReadOnlySQLTransactionError,
)


def means_outage(fault: BaseException) -> bool:
    """Whether waiting, or whoever runs the database, may help.

    Connection, log-in, timeout, lock, space, shutdown, read-only: no fault of the request.
    """
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return True
    return any(isinstance(layer, _LOST) for layer in _layers(fault))


def _layers(fault: BaseException | None) -> Iterator[BaseException]:
    """The fault and those it stands for: SQLAlchemy's, its adapter's, the driver's own."""
    if fault is None:
        return
    yield fault
    if isinstance(fault, DBAPIError):
        yield from _layers(fault.orig)
    elif isinstance(fault, AsyncAdapt_asyncpg_dbapi.Error):
        # Comes bare where a connection is opened, and so was never SQLAlchemy's.
        yield from _layers(fault.__cause__)


def _explained(fault: BaseException) -> str:
    if any(
        isinstance(layer, asyncpg.ProtocolViolationError) and "startup parameter" in str(layer)
        for layer in _layers(fault)
    ):
        return "The database is behind a connection pooler: set AUTH_DATABASE_POOLER=true."
    return "The database cannot be reached."


@contextmanager
def outages_become_unavailable() -> Iterator[None]:
    """Turn a lost database into ``ServiceUnavailable``; let every other fault through.

    Raises:
        ServiceUnavailable: the database cannot be reached or did not answer in time.
    """
    try:
        yield
    except Exception as fault:
        if means_outage(fault):
            log.warning("database_unavailable", fault=type(fault).__name__)
            raise ServiceUnavailable(_explained(fault)) from fault
        raise
