"""``/admin/keys``: the keys that sign access tokens."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from tests.admin.conftest import log_in
from tests.moving_clock import MovingClock

MEMBERS = [
    *("kid", "algorithm", "state", "created_at", "signs_from", "retired_at"),
    "published_until",
]


async def listed(client: httpx.AsyncClient, admin: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get("/admin/keys", headers=admin)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def rotate(client: httpx.AsyncClient, admin: dict[str, str]) -> httpx.Response:
    answer = await client.post("/admin/keys/rotate", headers=admin)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_key_is_listed_with_its_state_and_nothing_private(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    answer = await client.get("/admin/keys", headers=admin)
    (key,) = answer.json()["items"]
    assert list(key) == MEMBERS
    assert (key["algorithm"], key["state"]) == ("ES256", "active")
    assert datetime.fromisoformat(key["created_at"]) == clock.now()
    assert [key["retired_at"], key["published_until"]] == [None, None]
    assert answer.json()["next_cursor"] is None
    assert answer.headers["cache-control"] == "no-store"


async def test_a_rotation_publishes_the_next_key_and_answers_with_all(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    before = await listed(client, admin)
    clock.advance(seconds=1)
    answer = await rotate(client, admin)
    active, following = answer.json()["items"]
    assert [active] == before
    assert following["state"] == "next"
    wait = datetime.fromisoformat(following["signs_from"]) - datetime.fromisoformat(
        following["created_at"]
    )
    assert wait == timedelta(minutes=6)
    assert answer.json() == {"items": await listed(client, admin), "next_cursor": None}


async def test_rotating_again_changes_nothing_while_a_next_key_is_published(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    first = await rotate(client, admin)
    assert (await rotate(client, admin)).json() == first.json()


async def test_what_was_signed_before_a_rotation_is_good_after_it(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    clock.advance(seconds=1)
    await rotate(client, admin)
    clock.advance(minutes=7)
    await app.state.signing_keys.look_again()
    retired, active = await listed(client, admin)
    assert [retired["state"], active["state"]] == ["retired", "active"]
    assert datetime.fromisoformat(retired["retired_at"]) == clock.now()
    assert retired["published_until"] > retired["retired_at"]
    assert await listed(client, await log_in(client)) == [retired, active]


async def test_keys_are_only_listed_and_rotated(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    (key,) = await listed(client, admin)
    assert (await client.delete("/admin/keys", headers=admin)).status_code == 405
    assert (await client.get("/admin/keys/rotate", headers=admin)).status_code == 405
    assert (await client.delete(f"/admin/keys/{key['kid']}", headers=admin)).status_code == 404
    assert await listed(client, admin) == [key]
