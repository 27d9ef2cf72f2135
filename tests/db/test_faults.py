"""Which faults are outages that pass, and which are ours."""

import asyncio
import sqlite3
from typing import Any

import asyncpg
import pytest
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from structlog.testing import capture_logs

from auth_service.core.errors import ServiceUnavailable
from auth_service.db.faults import means_outage, outages_become_unavailable

ADAPTED: Any = AsyncAdapt_asyncpg_dbapi.Error
PASSING = [
    ConnectionRefusedError(),
    ConnectionResetError(),
    TimeoutError(),
    TimeoutError(),
    exc.TimeoutError("QueuePool limit reached"),
    asyncpg.exceptions.InterfaceError("connection is closed"),  # type: ignore[no-untyped-call]
    asyncpg.exceptions.InternalClientError("cannot switch to state 12"),
    asyncpg.ConnectionDoesNotExistError(),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.TooManyConnectionsError(),
    asyncpg.DiskFullError(),
    asyncpg.OutOfMemoryError(),
    asyncpg.AdminShutdownError(),
    asyncpg.CrashShutdownError(),
    asyncpg.QueryCanceledError("statement timeout"),
    asyncpg.LockNotAvailableError(),
    asyncpg.DeadlockDetectedError(),
    asyncpg.SerializationError(),
    asyncpg.ReadOnlySQLTransactionError(),
]
OURS = [
    ValueError(),
    KeyError("column"),
    asyncpg.UndefinedTableError(),
    asyncpg.UniqueViolationError(),
    asyncpg.PostgresSyntaxError(),
    asyncpg.InvalidTextRepresentationError(),
]


def adapted(fault: Exception) -> Exception:
    """As SQLAlchemy's adapter raises it where a connection is opened."""
    error: Exception = ADAPTED("adapted", fault)
    error.__cause__ = fault
    return error


def wrapped(fault: Exception) -> Exception:
    """As SQLAlchemy raises it where a statement is executed."""
    return exc.DBAPIError("SELECT 1", {}, adapted(fault))


def name_of(fault: Exception) -> str:
    return type(fault).__name__


@pytest.mark.parametrize("fault", PASSING, ids=name_of)
def test_it_passes_however_deep_it_comes(fault: Exception) -> None:
    assert means_outage(fault)
    assert means_outage(adapted(fault))
    assert means_outage(wrapped(fault))


@pytest.mark.parametrize("fault", OURS, ids=name_of)
def test_it_is_ours_however_deep_it_comes(fault: Exception) -> None:
    assert not means_outage(fault)
    assert not means_outage(adapted(fault))
    assert not means_outage(wrapped(fault))


def test_a_connection_that_was_dropped_is_an_outage() -> None:
    assert means_outage(exc.DBAPIError("COMMIT", {}, Exception(), connection_invalidated=True))


def test_a_locked_sqlite_is_an_outage() -> None:
    locked = sqlite3.OperationalError("database is locked")
    assert means_outage(exc.OperationalError("BEGIN IMMEDIATE", {}, locked))


def test_a_broken_constraint_is_ours() -> None:
    assert not means_outage(exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError()))


def test_an_adapted_fault_without_a_cause_is_ours() -> None:
    assert not means_outage(ADAPTED("of its own"))


def test_an_outage_becomes_service_unavailable_with_the_cause_kept() -> None:
    fault = ConnectionRefusedError("10.0.0.1 refused")
    with pytest.raises(ServiceUnavailable) as raised, outages_become_unavailable():
        raise fault
    assert raised.value.__cause__ is fault
    assert raised.value.retry_after == 1
    assert "10.0.0.1" not in raised.value.detail


def test_an_outage_is_logged_by_its_name_only() -> None:
    with capture_logs() as logs, pytest.raises(ServiceUnavailable), outages_become_unavailable():
        raise ConnectionRefusedError("10.0.0.1 refused")
    assert logs == [
        {
            "event": "database_unavailable",
            "fault": "ConnectionRefusedError",
            "log_level": "warning",
        }
    ]


def test_every_other_fault_goes_through_as_it_is() -> None:
    fault = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug") as raised, outages_become_unavailable():
        raise fault
    assert raised.value is fault


def test_a_cancellation_is_no_outage() -> None:
    with pytest.raises(asyncio.CancelledError), outages_become_unavailable():
        raise asyncio.CancelledError
