"""Lists in pages (keyset pagination): where a page ends is what the next one begins after.

Rows that are added or deleted meanwhile shift nothing, and a late page costs as much as the first.
"""

import base64
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, Protocol, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

DEFAULT_LIMIT: Final = 50
MAXIMUM_LIMIT: Final = 200
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{22}")


class HasId(Protocol):
    """A row that a list is ordered by the id of."""

    @property
    def id(self) -> UUID:
        """What no other row has."""
        ...  # pragma: no cover - a protocol has no body


Row = TypeVar("Row", bound=HasId)
Item = TypeVar("Item")


def make_cursor(last: UUID) -> str:
    """The cursor of the page after this row; what it is made of is nobody's business."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode("ascii")


def _read_cursor(value: Any) -> UUID:  # noqa: ANN401 - whatever was submitted
    if isinstance(value, str) and _CURSOR.fullmatch(value):
        last = UUID(bytes=base64.urlsafe_b64decode(f"{value}=="))
        if make_cursor(last) == value:
            return last
    raise PydanticCustomError("invalid_cursor", "This is not a cursor that a page has given.")


Cursor = Annotated[UUID, PlainValidator(_read_cursor), WithJsonSchema({"type": "string"})]


class PageQuery(BaseModel):
    """Which page of a list is asked for; a list with filters has a subclass of this."""

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT, description="How many items at most.")] = (
        DEFAULT_LIMIT
    )
    cursor: Annotated[Cursor | None, Field(description="The `next_cursor` of the page before.")] = (
        None
    )


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: Annotated[
        str | None,
        Field(description="What to send as `cursor` for the next page; null at the end."),
    ]

    @classmethod
    def of(cls, rows: Sequence[Row], query: PageQuery, shape: Callable[[Row], Item]) -> Self:
        """The page of rows that were read with one more than the limit, to see if that is all."""
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return cls(
            items=[shape(row) for row in shown],
            next_cursor=make_cursor(shown[-1].id) if more else None,
        )
