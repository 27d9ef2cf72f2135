"""Lists in pages: ``?limit=`` and ``?cursor=``, answered by ``items`` and ``next_cursor``.

A page begins after the row that the cursor names (keyset pagination), so rows that come or go
meanwhile neither repeat nor hide another, and the last page costs what the first does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from auth_service.verifier.compact import decode_part, encode_part
from auth_service.verifier.errors import InvalidTokenError

MAXIMUM_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50
Item = TypeVar("Item")


class Identified(Protocol):
    """A row of a list that is ordered by id."""

    @property
    def id(self) -> UUID:
        """What its place in the list is known by."""
        ...  # pragma: no cover - a protocol has no body


Row = TypeVar("Row", bound=Identified)


class Page(BaseModel, Generic[Item]):
    """Part of a list."""

    items: list[Item]
    next_cursor: Annotated[
        str | None, Field(description="The `cursor` of the next page; null on the last one.")
    ]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for: at most ``limit`` rows, those after ``after``."""

    limit: int
    after: UUID | None

    @property
    def rows_to_read(self) -> int:
        """One more than are shown: whether it is there tells whether there is another page."""
        return self.limit + 1

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], str | None]:
        """The rows to show, of those that were read, and the cursor of the next page."""
        if len(rows) <= self.limit:
            return rows, None
        shown = rows[: self.limit]
        return shown, cursor_after(shown[-1].id)


def cursor_after(row_id: UUID) -> str:
    """The cursor of the page that begins after this row."""
    return encode_part(row_id.bytes)


def _read_cursor(value: Any) -> UUID:  # noqa: ANN401 - whatever was submitted
    try:
        return UUID(bytes=decode_part(value))
    except (InvalidTokenError, ValueError) as fault:
        raise PydanticCustomError(
            "invalid_cursor", "This is no cursor: leave it out, or take one from `next_cursor`."
        ) from fault


Limit = Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT, description="The most items to answer with.")]
Cursor = Annotated[
    UUID,
    PlainValidator(_read_cursor),
    WithJsonSchema({"type": "string", "minLength": 22, "maxLength": 22}),
]


async def get_page_request(
    limit: Limit = DEFAULT_LIMIT,
    cursor: Annotated[
        Cursor | None,
        Query(description="Where to go on: `next_cursor` of the page before this one."),
    ] = None,
) -> PageRequest:
    """Which part of the list the query asks for."""
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(get_page_request)]
