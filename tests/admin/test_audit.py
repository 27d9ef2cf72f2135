"""``GET /admin/audit``: what happened, as administrators look for it."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.admin.conftest import log_in
from tests.conftest import PASSWORD
from tests.flows.people import Person
from tests.moving_clock import MovingClock


async def found(
    client: httpx.AsyncClient, admin: dict[str, str], **query: str
) -> list[dict[str, Any]]:
    answer = await client.get("/admin/audit", params=query, headers=admin)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_only_administrators_may(client: httpx.AsyncClient, person: dict[str, str]) -> None:
    assert (await client.get("/admin/audit")).status_code == 401
    assert (await client.get("/admin/audit", headers=person)).status_code == 403


async def test_events_are_listed_the_newest_first_with_all_that_is_known(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    ada = await (await Person(client).register()).log_in()
    newest = (await found(client, admin))[0]
    assert set(newest) == {
        "id",
        "at",
        "action",
        "outcome",
        "actor",
        "subject",
        "session_id",
        "client_id",
        "ip",
        "user_agent",
        "request_id",
        "details",
    }
    assert (newest["action"], newest["session_id"]) == ("login", ada.tokens["session_id"])
    assert newest["ip"] == "198.51.100.7"


async def test_pages_hold_each_event_once(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    await (await Person(client).register()).log_in()
    every = [event["id"] for event in await found(client, admin)]
    paged: list[str] = []
    query: dict[str, Any] = {"limit": "1"}
    while True:
        answer = await client.get("/admin/audit", params=query, headers=admin)
        paged += [item["id"] for item in answer.json()["items"]]
        query["cursor"] = answer.json()["next_cursor"]
        if query["cursor"] is None:
            break
    assert paged == every


async def test_who_what_and_when_narrow_it_down(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    ada = await Person(client).register()
    begun = clock.now().isoformat()
    clock.advance(minutes=1)
    await ada.log_in()
    await client.post("/auth/login", json={"email": ada.email, "password": "wrong"})
    user = (await ada.ask("GET", "/users/me")).json()["id"]
    admin = await log_in(client)
    mine = await found(client, admin, subject=user)
    assert [event["action"] for event in mine] == ["login", "login", "user.registered"]
    assert len(await found(client, admin, subject=user, action="login")) == 2
    assert [event["outcome"] for event in await found(client, admin, actor=user)] == [
        "success",
        "success",
    ]
    later = await found(client, admin, subject=user, after=begun)
    earlier = await found(client, admin, subject=user, before=clock.now().isoformat())
    assert [event["action"] for event in later] == ["login", "login"]
    assert [event["action"] for event in earlier] == ["user.registered"]


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "ada"},
        {"subject": ""},
        {"action": "no.such.action"},
        {"after": "yesterday"},
        {"before": "1"},
        {"limit": "1000"},
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], query: dict[str, str]
) -> None:
    answer = await client.get("/admin/audit", params=query, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_what_administrators_do_is_in_it(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    body = {"name": "orders", "scopes": ["orders:read"]}
    made = (await client.post("/admin/clients", json=body, headers=admin)).json()
    path = f"/admin/clients/{made['id']}"
    await client.post(f"{path}/secret", json={}, headers=admin)
    await client.delete(path, headers=admin)
    await client.post("/admin/keys/rotate", headers=admin)
    events = (await found(client, admin))[:4]
    assert [event["action"] for event in events] == [
        "keys.rotated",
        "client.deleted",
        "client.secret_changed",
        "client.created",
    ]
    root = (await client.get("/users/me", headers=admin)).json()["id"]
    assert {event["actor"] for event in events} == {root}
    assert {event["client_id"] for event in events[1:]} == {made["id"]}
    assert PASSWORD not in str(events)
    assert made["secret"] not in str(events)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("subject_id = gen_random_uuid()", "subject_id_id"),
        ("actor_id = gen_random_uuid()", "actor_id_id"),
        ("action = 'user.deleted'", "action_id"),
        ("happened_at > '2100-01-01'", "happened_at"),
    ],
)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_every_search_is_served_by_an_index(app: FastAPI, condition: str, index: str) -> None:
    async with app.state.database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO audit_events (id, happened_at, action, outcome, subject_id, actor_id,"
                " details) SELECT gen_random_uuid(), now(), 'login', 'success',"
                " gen_random_uuid(), gen_random_uuid(), '{}' FROM generate_series(1, 20000)"
            )
        )
        await db.execute(text("ANALYZE audit_events"))
        condition = condition.replace("gen_random_uuid()", "'019b17d7-0dac-7549-bd4f-3506907d1583'")
        plan = "\n".join(
            await db.scalars(
                text(
                    f"EXPLAIN SELECT id FROM audit_events WHERE {condition}"  # noqa: S608 - a test's own
                    " ORDER BY id DESC LIMIT 51"
                )
            )
        )
        assert f"ix_audit_events_{index}" in plan
