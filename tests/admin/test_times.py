"""Times at the edge of the calendar are refused on every way in, and never a fault."""

from typing import Any

import httpx
import pytest

EDGES = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"]
LAST = "9999-12-31T23:59:59.999999Z"
QUERIES = [
    ("/admin/users", "created_after"),
    ("/admin/audit", "after"),
    ("/admin/audit", "before"),
]


@pytest.mark.parametrize("time", EDGES)
@pytest.mark.parametrize(("path", "name"), QUERIES)
async def test_a_filter_outside_the_range_is_422(
    client: httpx.AsyncClient, admin: dict[str, str], path: str, name: str, time: str
) -> None:
    answer = await client.get(path, params={name: time}, headers=admin)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "time_out_of_range"


@pytest.mark.parametrize(("path", "name"), QUERIES)
@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", LAST, "9999-12-31T23:59:59+23:59"])
async def test_a_filter_within_it_is_answered(
    client: httpx.AsyncClient, admin: dict[str, str], path: str, name: str, time: str
) -> None:
    answer = await client.get(path, params={name: time}, headers=admin)
    assert answer.status_code == 200


@pytest.mark.parametrize("time", EDGES)
async def test_nobody_is_disabled_until_a_time_outside_it(
    client: httpx.AsyncClient, admin: dict[str, str], time: str
) -> None:
    [root] = (await client.get("/admin/users", headers=admin)).json()["items"]
    body: dict[str, Any] = {"disabled_until": time}
    answer = await client.patch(f"/admin/users/{root['id']}", json=body, headers=admin)
    assert answer.status_code == 422


async def test_nobody_is_disabled_until_a_time_that_is_past(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await client.post("/admin/users", json={"email": "ada@example.com"}, headers=admin)
    path = f"/admin/users/{made.json()['id']}"
    body = {"disabled_until": "2001-01-01T00:00:00Z"}
    answer = await client.patch(path, json=body, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "past")
    assert (await client.get(path, headers=admin)).json()["disabled"] is False
