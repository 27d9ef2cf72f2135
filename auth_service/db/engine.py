"""The engine: one pool per process, sized for it, with a limit on every wait."""

from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import URL, Connection, NullPool, Pool, PoolResetState, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from auth_service.settings import Settings

_APPLICATION_NAME: Final = "auth_service"
_POOLER: Final = "auth_service_pooler"
_PATIENT_CONNECT_SECONDS: Final = 10
_PATIENT_LOCK_SECONDS: Final = 600


def new_engine(settings: Settings) -> AsyncEngine:
    """An engine for ``AUTH_DATABASE_URL``; connects on first use."""
    if settings.sqlite:
        busy_timeout = settings.database_lock_timeout.total_seconds()
        return _sqlite_engine(make_url(settings.database_url), busy_timeout)
    return _postgresql_engine(settings)


def _postgresql_engine(settings: Settings) -> AsyncEngine:
    statement_timeout = settings.database_statement_timeout.total_seconds()
    limits = {
        "statement_timeout": _milliseconds(statement_timeout),
        "lock_timeout": _milliseconds(settings.database_lock_timeout.total_seconds()),
        "idle_in_transaction_session_timeout": _milliseconds(statement_timeout * 6),
    }
    engine = create_async_engine(
        settings.database_url,
        hide_parameters=True,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_timeout.total_seconds(),
        execution_options={_POOLER: settings.database_pooler},
        connect_args={
            "timeout": settings.database_connect_timeout.total_seconds(),
            # The server gives up first and says why; the client's own limit is for a server that
            # no longer answers at all.
            "command_timeout": statement_timeout + 1,
            **_connect_arguments(limits, pooler=settings.database_pooler),
        },
    )
    event.listen(engine.sync_engine, "checkout", _drop_closed_connection)
    event.listen(engine.sync_engine, "handle_error", _drop_confused_connection)
    return engine


def patient_engine(engine: AsyncEngine) -> AsyncEngine:
    """The same database without limits on statements and locks, for migrations; pools nothing.

    On SQLite the wait for the write lock ends after ten minutes.
    """
    if engine.dialect.name == "sqlite":
        return _sqlite_engine(engine.url, _PATIENT_LOCK_SECONDS, poolclass=NullPool)
    no_limits = {"statement_timeout": "0", "lock_timeout": "0"}
    return _one_off_engine(engine, _connect_arguments(no_limits, pooler=is_for_pooler(engine)))


def engine_for_pooler(engine: AsyncEngine) -> AsyncEngine:
    """The same PostgreSQL database through whatever stands before it; pools nothing."""
    return _one_off_engine(engine, _connect_arguments({}, pooler=True))


def _one_off_engine(engine: AsyncEngine, arguments: dict[str, Any]) -> AsyncEngine:
    return create_async_engine(
        engine.url,
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"timeout": _PATIENT_CONNECT_SECONDS, **arguments},
    )


def is_for_pooler(engine: AsyncEngine) -> bool:
    """Whether the engine was made for a pooler (``AUTH_DATABASE_POOLER``)."""
    return bool(engine.get_execution_options().get(_POOLER))


def _connect_arguments(limits: dict[str, str], *, pooler: bool) -> dict[str, Any]:
    """What asyncpg is told, with limits that a pooler would refuse: there they are the role's.

    A pooler in transaction mode gives each transaction another server connection, so a statement
    must not be prepared under a name in one and executed in the next. Without a cache asyncpg sends
    statements unnamed and parses each in the same message exchange that executes it.
    """
    server_settings = {"application_name": _APPLICATION_NAME, "timezone": "UTC"}
    if not pooler:
        return {"server_settings": server_settings | limits}
    return {
        "server_settings": server_settings,
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": str,
    }


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _drop_closed_connection(dbapi_connection: Any, *_: object) -> None:  # noqa: ANN401 - the driver's
    """Never hand out a connection the server has closed: its restart then costs no request.

    It asks the driver, which noticed the closed socket, so no round trip is spent on it.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


def _drop_confused_connection(context: ExceptionContext) -> None:
    """Never use a connection again whose driver has lost track of what the server says.

    That is how one looks that the server has ended a moment ago, before its socket is closed.
    """
    if isinstance(context.original_exception.__cause__, asyncpg.exceptions.InternalClientError):
        context.is_disconnect = True


def _sqlite_engine(
    url: URL, busy_timeout: float, *, poolclass: type[Pool] | None = None
) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=poolclass,
        connect_args={"timeout": busy_timeout},
    )
    event.listen(engine.sync_engine, "do_connect", _make_private_file)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    event.listen(engine.sync_engine, "reset", _end_open_transaction)
    return engine


def _make_private_file(_: object, __: object, arguments: list[str], ___: object) -> None:
    """Make the file for its owner alone (mode 0600), where there is none yet.

    SQLite gives its journals the same mode. A missing folder is noticed before the driver starts a
    thread to find that out: aiosqlite does not wait for the thread of a connection that could not
    be opened.
    """
    if arguments[0].startswith((":", "file:")):
        return
    path = Path(arguments[0])
    if not path.parent.is_dir():
        raise NotADirectoryError(f"there is no folder {path.parent}")
    if not path.exists():
        path.touch(mode=0o600, exist_ok=True)


def _prepare_sqlite(dbapi_connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
    # The driver's own idea of when a transaction starts is switched off: `_begin_immediate` does.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock when a transaction begins.

    A transaction that reads first and writes later can lose the race for the lock in the middle;
    one that starts IMMEDIATE waits at its beginning instead, where nothing is lost. Reads do not
    come here: they run in AUTOCOMMIT.
    """
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _end_open_transaction(dbapi_connection: Any, _: object, state: PoolResetState) -> None:  # noqa: ANN401 - the driver's
    """Roll back what a failed COMMIT leaves open: SQLAlchemy takes such a transaction for ended.

    Otherwise the pooled connection would keep the write lock, and nobody could write again.
    """
    if not state.terminate_only and dbapi_connection.driver_connection.in_transaction:
        dbapi_connection.rollback()
