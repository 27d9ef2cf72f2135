"""Giving accounts out, in a form that can be imported elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from auth_service.admin.moving.formats import Format
from auth_service.admin.moving.record import values_of
from auth_service.admin.moving.writing import header_line, record_line
from auth_service.db.session import Database
from auth_service.users import repository

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class ExportedPart:
    """A part of the file, and how many accounts are in it."""

    text: str
    accounts: int


class UserExport:
    """The use case of moving accounts out."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def run(self, file_format: Format) -> AsyncIterator[ExportedPart]:
        """Every account by id, 1,000 at a time, with its password hash.

        Nothing is locked meanwhile. Each account is as it was at one moment; one that is made
        while this runs is in the file or not, all others are.

        Raises:
            ServiceUnavailable: the database was lost.
        """
        yield ExportedPart(header_line(file_format), 0)
        after = None
        while page := await repository.list_records(self._database, after=after, limit=_PAGE):
            lines = [record_line(values_of(record), file_format) for record in page]
            yield ExportedPart("".join(lines), len(page))
            after = page[-1].id
