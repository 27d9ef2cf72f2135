"""Accounts moved in and out by the app's own services."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from auth_service.admin.moving.exporting import UserExport
from auth_service.admin.moving.formats import Format, read_records
from auth_service.admin.moving.importing import RefusedLine, Settled, UserImport
from auth_service.db.session import Database
from auth_service.users import repository
from auth_service.users.account import AccountRecord


@dataclass
class Moved:
    """What an import did, its batches taken together."""

    batches: list[Settled] = field(default_factory=list)

    def total(self, count: str) -> int:
        return sum(getattr(batch, count) for batch in self.batches)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Imported, already there, refused."""
        return self.total("imported"), self.total("already_there"), len(self.refused)

    @property
    def refused(self) -> list[RefusedLine]:
        return [line for batch in self.batches for line in batch.refused]


@pytest.fixture
def user_import(app: FastAPI) -> UserImport:
    found: UserImport = app.state.user_import
    return found


@pytest.fixture
def user_export(app: FastAPI) -> UserExport:
    found: UserExport = app.state.user_export
    return found


@pytest.fixture
def move_in(user_import: UserImport) -> Callable[..., Any]:
    """Import a text; CSV unless told otherwise."""

    async def run(text: str, file_format: Format = Format.CSV, **options: Any) -> Moved:
        found = read_records(io.BytesIO(text.encode()), file_format)
        return Moved([settled async for settled in user_import.run(found, **options)])

    return run


@pytest.fixture
def move_out(user_export: UserExport) -> Callable[..., Any]:
    """Export everything as one text."""

    async def run(file_format: Format = Format.CSV) -> str:
        return "".join([part.text async for part in user_export.run(file_format)])

    return run


@pytest.fixture
def records(app: FastAPI) -> Callable[..., Any]:
    """Everything that is stored, by address."""

    async def read() -> dict[str, AccountRecord]:
        database: Database = app.state.database
        found = await repository.list_records(database, after=None, limit=100_000)
        return {record.email_key: record for record in found}

    return read


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and pages of two, so that a few lines are many."""
    monkeypatch.setattr("auth_service.admin.moving.importing._BATCH", 2)
    monkeypatch.setattr("auth_service.admin.moving.exporting._PAGE", 2)
