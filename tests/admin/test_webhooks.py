"""``/admin/webhooks``: endpoints, made and unmade."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.webhooks.models import WebhookEndpoint
from tests.flows.events import actions
from tests.moving_clock import MovingClock

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"
HOOK = {"url": "https://example.com/hooks", "events": ["user.created", "user.deleted"]}
PATHS = [
    ("GET", ""),
    ("POST", ""),
    ("DELETE", f"/{NOBODY}"),
    ("POST", f"/{NOBODY}/secret"),
    ("POST", f"/{NOBODY}/test"),
]


async def create(client: httpx.AsyncClient, admin: dict[str, str], **changes: Any) -> Any:
    answer = await client.post("/admin/webhooks", json=HOOK | changes, headers=admin)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_only_administrators_may(
    client: httpx.AsyncClient, person: dict[str, str], method: str, path: str
) -> None:
    assert (await client.request(method, f"/admin/webhooks{path}")).status_code == 401
    refused = await client.request(method, f"/admin/webhooks{path}", headers=person)
    assert refused.status_code == 403


@pytest.mark.parametrize(("method", "path"), PATHS[2:])
async def test_nothing_is_not_found(
    client: httpx.AsyncClient, admin: dict[str, str], method: str, path: str
) -> None:
    answer = await client.request(method, f"/admin/webhooks{path}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")


async def test_changes_need_a_recent_login(
    client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    clock.advance(minutes=11)
    for method, path in PATHS[1:4]:
        answer = await client.request(method, f"/admin/webhooks{path}", headers=admin, json=HOOK)
        assert answer.json()["code"] == "insufficient_user_authentication"


async def test_a_new_endpoint_is_answered_with_its_secret_which_is_kept_encrypted(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await create(client, admin)
    assert set(made) == {"id", "url", "events", "secret"}
    assert made["secret"].startswith("whsec_")
    async with app.state.database.transaction() as db:
        [row] = list(await db.scalars(select(WebhookEndpoint)))
    assert made["secret"].encode() not in row.secret
    [listed] = (await client.get("/admin/webhooks", headers=admin)).json()["items"]
    assert set(listed) == {"id", "url", "events", "created_at", "disabled_at", "failing_since"}


async def test_a_secret_is_changed_and_an_endpoint_removed(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    made = await create(client, admin, events=None)
    assert len(made["events"]) == 9
    path = f"/admin/webhooks/{made['id']}"
    changed = (await client.post(f"{path}/secret", headers=admin)).json()
    assert changed["secret"] != made["secret"]
    answer = await client.post(f"{path}/test", headers=admin)
    assert (answer.status_code, answer.json()) == (202, {})
    assert (await client.delete(path, headers=admin)).status_code == 204
    assert (await client.get("/admin/webhooks", headers=admin)).json()["items"] == []
    assert (await actions(app))[-3:] == [
        "webhook.created",
        "webhook.secret_changed",
        "webhook.deleted",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://example.com/"},
        {"url": "https://user@example.com/"},
        {"url": "x" * 3000},
        {"events": []},
        {"events": ["user.exploded"]},
        {"events": ["ping"]},
        {"secret": "whsec_mine"},
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], changes: dict[str, Any]
) -> None:
    answer = await client.post("/admin/webhooks", json=HOOK | changes, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
