"""``/admin/clients``: services that get tokens in their own name."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.clients.client_secret import hash_of
from auth_service.clients.models import ServiceClient
from tests.moving_clock import MovingClock

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"
ORDERS = {"name": "orders", "scopes": ["orders:read", "orders:write"]}


async def stored(app: FastAPI) -> list[ServiceClient]:
    async with app.state.database.transaction() as db:
        return list(await db.scalars(select(ServiceClient).order_by(ServiceClient.id)))


async def create(
    client: httpx.AsyncClient, admin: dict[str, str], **changes: Any
) -> dict[str, Any]:
    answer = await client.post("/admin/clients", json=ORDERS | changes, headers=admin)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def is_good(client: httpx.AsyncClient, made: dict[str, Any], secret: str) -> bool:
    """Whether the client gets a token with this secret; if not, it is told so."""
    form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": secret}
    answer = await client.post("/oauth/token", data=form)
    assert answer.status_code == 200 or answer.json()["error"] == "invalid_client"
    return answer.status_code == 200


# --- Creating ---


async def test_a_new_client_is_answered_with_its_secret(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    answer = await client.post("/admin/clients", json=ORDERS, headers=admin)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert set(made) == {"id", "name", "scopes", "secret"}
    assert {name: made[name] for name in ORDERS} == ORDERS
    assert await is_good(client, made, made["secret"])


async def test_only_a_hash_of_the_secret_is_kept(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await create(client, admin)
    (row,) = await stored(app)
    assert (row.secret_hash, row.previous_secret_hash) == (hash_of(made["secret"]), None)


async def test_a_name_is_trimmed_and_may_be_taken_twice(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    one, two = [await create(client, admin, name=name) for name in ("orders", " orders\n")]
    assert one["name"] == two["name"] == "orders"
    assert one["id"] != two["id"]


async def test_a_client_need_not_have_scopes_and_has_each_once(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    assert (await create(client, admin, scopes=[]))["scopes"] == []
    assert (await create(client, admin, scopes=["b", "a", "b"]))["scopes"] == ["b", "a"]


BAD_BODIES = {
    "no name": ({"scopes": []}, "/name"),
    "no scopes": ({"name": "orders"}, "/scopes"),
    "an empty name": (ORDERS | {"name": " \t"}, "/name"),
    "a long name": (ORDERS | {"name": "x" * 101}, "/name"),
    "a control character": (ORDERS | {"name": "or\x1bders"}, "/name"),
    "two lines": (ORDERS | {"name": "or\nders"}, "/name"),
    "U+0000": (ORDERS | {"name": "or\0ders"}, "/name"),
    "a number for a name": (ORDERS | {"name": 7}, "/name"),
    "null for a name": (ORDERS | {"name": None}, "/name"),
    "one text for scopes": (ORDERS | {"scopes": "orders:read"}, "/scopes"),
    "null for scopes": (ORDERS | {"scopes": None}, "/scopes"),
    "a scope of two words": (ORDERS | {"scopes": ["a", "two words"]}, "/scopes"),
    "an empty scope": (ORDERS | {"scopes": [""]}, "/scopes"),
    "a scope of other letters": (ORDERS | {"scopes": ["größe"]}, "/scopes"),
    "a long scope": (ORDERS | {"scopes": ["x" * 65]}, "/scopes"),
    "too many scopes": (ORDERS | {"scopes": [f"s{n}" for n in range(51)]}, "/scopes"),
    "a number for a scope": (ORDERS | {"scopes": [7]}, "/scopes/0"),
    "an unknown field": (ORDERS | {"secret": "mine"}, ""),
    "a list": ([], ""),
}


@pytest.mark.parametrize(("body", "pointer"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_body_that_describes_no_client_makes_none(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], body: Any, pointer: str
) -> None:
    answer = await client.post("/admin/clients", json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await stored(app) == []


async def test_a_request_without_a_body_makes_no_client(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    assert (await client.post("/admin/clients", headers=admin)).status_code == 422
    assert (await client.post("/admin/clients", data=ORDERS, headers=admin)).status_code == 415
    assert await stored(app) == []


# --- Listing ---


async def listed(
    client: httpx.AsyncClient, admin: dict[str, str], **query: Any
) -> tuple[list[dict[str, Any]], str | None]:
    answer = await client.get("/admin/clients", params=query, headers=admin)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"items", "next_cursor"}
    return answer.json()["items"], answer.json()["next_cursor"]


async def test_where_there_is_no_client_the_list_is_empty(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    assert await listed(client, admin) == ([], None)


async def test_a_client_is_listed_without_its_secret(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    made = await create(client, admin)
    (item,), _ = await listed(client, admin)
    assert datetime.fromisoformat(item.pop("created_at")) == clock.now()
    assert datetime.fromisoformat(item.pop("secret_changed_at")) == clock.now()
    assert item == ORDERS | {"id": made["id"], "has_previous_secret": False}


async def test_clients_are_listed_in_pages_in_the_order_they_were_made(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = [(await create(client, admin, name=name))["id"] for name in "zayb"]
    first, cursor = await listed(client, admin, limit=2)
    second, end = await listed(client, admin, limit=2, cursor=cursor)
    assert [item["id"] for item in first + second] == made
    assert end is None


async def test_a_client_deleted_between_two_pages_hides_no_other(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = [(await create(client, admin))["id"] for _ in range(3)]
    _, cursor = await listed(client, admin, limit=2)
    await client.delete(f"/admin/clients/{made[1]}", headers=admin)
    second, _ = await listed(client, admin, limit=2, cursor=cursor)
    assert [item["id"] for item in second] == made[2:]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=many", "cursor=garbage"])
async def test_a_page_that_is_none_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], query: str
) -> None:
    answer = await client.get(f"/admin/clients?{query}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/query/" + query.partition("=")[0]


# --- A new secret ---


async def change_secret(
    client: httpx.AsyncClient, admin: dict[str, str], made: dict[str, Any], **options: Any
) -> dict[str, Any]:
    answer = await client.post(
        f"/admin/clients/{made['id']}/secret", headers=admin, json=options or None
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    assert found == made | {"secret": found["secret"]}
    return found


@pytest.mark.parametrize("options", [{}, {"end_previous": False}])
async def test_after_a_change_both_secrets_are_good(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock, options: dict[str, bool]
) -> None:
    made = await create(client, admin)
    clock.advance(minutes=5)
    changed = await change_secret(client, admin, made, **options)
    assert changed["secret"] != made["secret"]
    assert await is_good(client, made, made["secret"])
    assert await is_good(client, made, changed["secret"])
    (item,), _ = await listed(client, admin)
    assert item["has_previous_secret"] is True
    assert datetime.fromisoformat(item["secret_changed_at"]) == clock.now()


async def test_the_next_change_refuses_the_oldest_secret(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await create(client, admin)
    second, third = [await change_secret(client, admin, made) for _ in range(2)]
    secrets = [one["secret"] for one in (made, second, third)]
    assert [await is_good(client, made, secret) for secret in secrets] == [False, True, True]


async def test_older_secrets_can_be_refused_at_once(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await create(client, admin)
    second = await change_secret(client, admin, made)
    third = await change_secret(client, admin, made, end_previous=True)
    secrets = [one["secret"] for one in (made, second, third)]
    assert [await is_good(client, made, secret) for secret in secrets] == [False, False, True]
    (item,), _ = await listed(client, admin)
    assert item["has_previous_secret"] is False


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"end_previous": "now"}, "/end_previous"),
        ({"end_previous": "yes"}, "/end_previous"),
        ({"end_previous": 1}, "/end_previous"),
        ({"end_previous": None}, "/end_previous"),
        ({"secret": "mine"}, ""),
        ([], ""),
    ],
)
async def test_a_body_that_says_something_else_changes_no_secret(
    client: httpx.AsyncClient, admin: dict[str, str], body: Any, pointer: str
) -> None:
    made = await create(client, admin)
    address = f"/admin/clients/{made['id']}/secret"
    answer = await client.post(address, json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    (item,), _ = await listed(client, admin)
    assert item["has_previous_secret"] is False


# --- Deleting ---


async def test_a_deleted_client_is_gone_and_gets_no_more_tokens(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made, other = await create(client, admin), await create(client, admin)
    answer = await client.delete(f"/admin/clients/{made['id']}", headers=admin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_good(client, made, made["secret"])
    assert [str(row.id) for row in await stored(app)] == [other["id"]]


async def test_a_client_is_deleted_once(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    address = f"/admin/clients/{(await create(client, admin))['id']}"
    assert (await client.delete(address, headers=admin)).status_code == 204
    assert (await client.delete(address, headers=admin)).status_code == 404


# --- Which client ---

ABOUT_ONE = [("DELETE", "/admin/clients/{}"), ("POST", "/admin/clients/{}/secret")]


@pytest.mark.parametrize(("method", "address"), ABOUT_ONE)
async def test_a_client_that_is_not_there_is_not_found(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], method: str, address: str
) -> None:
    await create(client, admin)
    answer = await client.request(method, address.format(NOBODY), headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (404, "client_not_found")
    (row,) = await stored(app)
    assert row.previous_secret_hash is None


@pytest.mark.parametrize(("method", "address"), ABOUT_ONE)
@pytest.mark.parametrize(
    "client_id", ["orders", "Qvalue", "%00", "%F0%9F%90%8E", "7", NOBODY + "0"]
)
async def test_an_address_that_holds_no_id_is_refused_and_never_echoed(
    client: httpx.AsyncClient, admin: dict[str, str], method: str, address: str, client_id: str
) -> None:
    answer = await client.request(method, address.format(client_id), headers=admin)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault == {
        "pointer": "/path/client_id",
        "code": "uuid_parsing",
        "message": "This is no id.",
    }
