"""The schema's version: where it should be, where it is, and how it gets there."""

import re
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from auth_service.db.engine import patient_engine
from auth_service.db.faults import outages_become_unavailable

HEAD: Final = "0016"
"""The newest revision under ``migrations/``; a test holds the two together.

Written down, so that a server need not load Alembic to know whether it may start.
"""
_REVISION: Final = re.compile(r"[0-9]{4}")
_ADVISORY_LOCK: Final = 0x61757468_73657276  # "authserv": all replicas ask for the same one


def migrations_folder() -> Path:
    """Where the migrations are: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def is_later(revision: str | None) -> bool:
    """Whether a revision is one of a later release, which this one still serves.

    Each migration leaves the release before it working, so that replicas can be replaced one by
    one after it.
    """
    return bool(revision and _REVISION.fullmatch(revision) and revision > HEAD)


def can_serve(revision: str | None) -> bool:
    """Whether this release serves a schema: its own, or a later one."""
    return revision == HEAD or is_later(revision)


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision the database is at; None where it has never been migrated.

    Raises:
        ServiceUnavailable: the database cannot be reached.
    """
    with outages_become_unavailable():
        async with engine.connect() as connection:
            return await connection.run_sync(_read_revision)


def _read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Bring the schema to the revision; safe to run from several replicas at once.

    Effect: on PostgreSQL the first comer holds an advisory lock, on SQLite the write lock; the
    others wait for as long as it takes (on SQLite ten minutes), then find nothing left to do. All
    steps are one transaction.

    Raises:
        ServiceUnavailable: the database cannot be reached.
    """
    with outages_become_unavailable():
        async with patient_engine(engine).begin() as connection:
            await connection.run_sync(_migrate, revision)


def _migrate(connection: Connection, revision: str) -> None:
    # Alembic takes a fifth of a second to import, so only a process that migrates loads it.
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    if revision == "base":
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
