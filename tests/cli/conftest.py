"""Command lines on a database of the test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.conftest import SECRET, new_postgresql_database


@pytest.fixture
def newcomer(tmp_path: Path) -> CommandLine:
    """In an empty folder, with no setting made."""
    return CommandLine(tmp_path, {})


def _on(database_url: str, folder: Path) -> CommandLine:
    return CommandLine(
        folder,
        {
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": database_url,
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_BCRYPT_ROUNDS": "4",
        },
    )


@pytest.fixture
def command(sqlite_url: str, tmp_path: Path) -> CommandLine:
    """On a migrated SQLite database."""
    return _on(sqlite_url, tmp_path)


@pytest.fixture
def command_on_each(database_url: str, tmp_path: Path) -> CommandLine:
    """On each migrated database in turn."""
    return _on(database_url, tmp_path)


@pytest.fixture
def empty_postgresql_url() -> Iterator[str]:
    """A PostgreSQL database that was never migrated."""
    with new_postgresql_database(f"auth_cli_{os.getpid()}") as url:
        yield url
