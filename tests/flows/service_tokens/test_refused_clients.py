"""Requests at ``/oauth`` in the name of a client that they do not come from are written down."""

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import client_of
from tests.flows.events import events
from tests.flows.service_tokens.conftest import Service, basic

GRANT = {"grant_type": "client_credentials"}
OTHER = "00000000-0000-4000-8000-000000000000"
ROUTES = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"]


async def refused(app: FastAPI) -> list[tuple[str | None, object]]:
    """The clients that were named, and at which routes."""
    return [
        (str(event.client_id) if event.client_id else None, event.details["route"])
        for event in await events(app)
        if (event.action, event.outcome) == ("client.authentication", "failure")
    ]


async def ask(http: httpx.AsyncClient, route: str, client_id: str) -> None:
    answer = await http.post(
        route, data=GRANT | {"token": "t"}, headers=basic(f"{client_id}:wrong")
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("route", ROUTES)
async def test_a_wrong_secret_is_written_down(app: FastAPI, service: Service, route: str) -> None:
    await ask(service.http, route, service.id)
    assert await refused(app) == [(service.id, route)]


@pytest.mark.parametrize("client_id", [OTHER, "no-uuid", ""])
async def test_a_client_that_there_is_not_is_written_down_without_its_name(
    app: FastAPI, service: Service, client_id: str
) -> None:
    """What was typed may be anything, a secret in the wrong place too."""
    await ask(service.http, "/oauth/introspect", client_id)
    assert await refused(app) == [(None, "/oauth/introspect")]


async def test_a_right_secret_and_no_client_at_all_are_no_such_events(
    app: FastAPI, service: Service
) -> None:
    assert (await service.ask_for_token()).status_code == 200
    await service.http.post("/oauth/introspect", data={"token": "t"})
    assert await refused(app) == []


async def test_nobody_fills_the_record_by_guessing(app: FastAPI, service: Service) -> None:
    for _ in range(12):
        await ask(service.http, "/oauth/introspect", service.id)
    assert len(await refused(app)) == 10
    async with client_of(app, peer=("203.0.113.9", 40000)) as elsewhere:
        await ask(elsewhere, "/oauth/introspect", service.id)
    assert len(await refused(app)) == 11
    assert (await service.ask_for_token()).status_code == 200
