"""Lists in pages: what is asked for, where a page ends, and what is no cursor."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from auth_service.app import create_app
from auth_service.web.pagination import Page, PageRequest, Paging, cursor_after
from tests.conftest import client_of, settings_for


@dataclass
class Row:
    """Something that has an id."""

    id: UUID


ROWS = [Row(UUID(int=(0x019B17D7 << 96) + 1000 * number)) for number in range(120)]


class Rows(Page[UUID]):
    """A list of ids."""


def read(asked: PageRequest) -> list[Row]:
    """What a repository would."""
    following = [row for row in ROWS if asked.after is None or row.id > asked.after]
    return following[: asked.rows_to_read]


@pytest.fixture
async def lists(sqlite_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """An app that has a list."""
    app: FastAPI = create_app(settings_for(sqlite_url))

    @app.get("/rows")
    async def list_rows(asked: Paging) -> Rows:
        shown, next_cursor = asked.cut(read(asked))
        return Rows(items=[row.id for row in shown], next_cursor=next_cursor)

    async with client_of(app) as client:
        yield client


async def page(lists: httpx.AsyncClient, **query: Any) -> tuple[list[str], str | None]:
    answer = await lists.get("/rows", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"], answer.json()["next_cursor"]


async def test_a_page_has_fifty_items_unless_said(lists: httpx.AsyncClient) -> None:
    items, _ = await page(lists)
    assert items == [str(row.id) for row in ROWS[:50]]


@pytest.mark.parametrize("limit", [1, 7, 40, 60, 119, 120, 200])
async def test_all_pages_together_are_the_list_in_its_order(
    lists: httpx.AsyncClient, limit: int
) -> None:
    items, cursor = await page(lists, limit=limit)
    while cursor is not None:
        more, cursor = await page(lists, limit=limit, cursor=cursor)
        assert 1 <= len(more) <= limit
        items += more
    assert items == [str(row.id) for row in ROWS]


async def test_the_last_page_names_no_next_one_even_where_it_is_full(
    lists: httpx.AsyncClient,
) -> None:
    assert (await page(lists, limit=120))[1] is None
    assert (await page(lists, limit=60, cursor=cursor_after(ROWS[59].id)))[1] is None


async def test_beyond_the_end_there_is_an_empty_page(lists: httpx.AsyncClient) -> None:
    assert await page(lists, cursor=cursor_after(ROWS[-1].id)) == ([], None)


async def refusal(lists: httpx.AsyncClient, **query: Any) -> dict[str, str]:
    """The one fault of a query that has to be refused."""
    answer = await lists.get("/rows", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    (fault,) = answer.json()["errors"]
    found: dict[str, str] = fault
    return found


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e2", "many", "", "9" * 5000, "\0"])
async def test_a_limit_out_of_range_is_refused(lists: httpx.AsyncClient, limit: str) -> None:
    assert (await refusal(lists, limit=limit))["pointer"] == "/query/limit"


GOOD = cursor_after(ROWS[0].id)


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "garbage", "null", "\0", "é", "\N{HORSE}", "=", GOOD + "==", GOOD + "A", GOOD[:-1]),
        *(f" {GOOD}", GOOD[:-1] + "_", str(ROWS[0].id), "A" * 20_000, "[" * 1000),
    ],
)
async def test_what_is_no_cursor_is_refused_and_never_echoed(
    lists: httpx.AsyncClient, cursor: str
) -> None:
    assert await refusal(lists, cursor=cursor) == {
        "pointer": "/query/cursor",
        "code": "invalid_cursor",
        "message": "This is no cursor: leave it out, or take one from `next_cursor`.",
    }


async def test_limit_and_cursor_are_both_named(lists: httpx.AsyncClient) -> None:
    answer = await lists.get("/rows?limit=0&cursor=x")
    faults = [fault["pointer"] for fault in answer.json()["errors"]]
    assert faults == ["/query/limit", "/query/cursor"]


@given(row_id=st.uuids(allow_nil=True))
def test_a_cursor_stands_for_one_row_in_22_characters(row_id: UUID) -> None:
    assert len(cursor_after(row_id)) == 22
    assert cursor_after(row_id).replace("-", "").replace("_", "").isalnum()


def test_nothing_is_left_of_no_rows() -> None:
    assert PageRequest(limit=5, after=None).cut([]) == ([], None)
