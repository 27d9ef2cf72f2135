"""A service of its own, from the day it is let in to the day it is shown out."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET, bearer
from tests.running_server import serving

ROOT = {"email": "root@example.com", "password": PASSWORD}
ADA = {"email": "ada@example.com", "password": PASSWORD}
DEAD = {"active": False}


@dataclass
class Orders:
    """The service, as it calls with one of its secrets."""

    http: httpx.AsyncClient
    id: str
    secret: str

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.http.post(path, data=form, auth=(self.id, self.secret))

    async def token(self) -> str:
        answer = await self.post("/oauth/token", grant_type="client_credentials")
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.post("/oauth/introspect", token=token)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def is_refused(self) -> bool:
        answer = await self.post("/oauth/token", grant_type="client_credentials")
        return (answer.status_code, answer.json().get("error")) == (401, "invalid_client")


async def log_in(http: httpx.AsyncClient, credentials: dict[str, str]) -> dict[str, Any]:
    answer = await http.post("/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_service_client_from_its_creation_to_its_end(tmp_path: Path) -> None:
    settings = {"AUTH_SECRET_KEYS": SECRET, "AUTH_BCRYPT_ROUNDS": "4"}
    command = CommandLine(tmp_path, settings, in_process=False)
    await asyncio.to_thread(command.succeed, "migrate")
    await asyncio.to_thread(
        command.succeed, "users", "create", ROOT["email"], "--role", "admin", stdin=PASSWORD
    )

    async with serving(settings, folder=tmp_path) as server, server.client() as http:
        # The administrator lets the service in.
        admin = bearer(await log_in(http, ROOT))
        asked = {"name": "orders", "scopes": ["orders:read", "introspection", "email"]}
        made = (await http.post("/admin/clients", json=asked, headers=admin)).json()
        orders = Orders(http, made["id"], made["secret"])
        own = await orders.token()
        assert (await orders.introspect(own))["scope"] == "orders:read introspection email"

        # It asks about a person, who then logs out.
        await http.post("/auth/register", json=ADA)
        tokens = await log_in(http, ADA)
        told = await orders.introspect(tokens["access_token"])
        assert (told["active"], told["username"]) == (True, ADA["email"])
        assert (await http.post("/auth/logout", headers=bearer(tokens))).status_code == 204
        assert await orders.introspect(tokens["access_token"]) == DEAD
        assert await orders.introspect(tokens["refresh_token"]) == DEAD

        # Its own token opens nothing of people's or of the administration's.
        service_token = {"Authorization": f"Bearer {own}"}
        for path in ("/users/me", "/auth/validate", "/admin/clients"):
            assert (await http.get(path, headers=service_token)).status_code == 401

        # Its secret is changed: both work, then only the new one, then only a newer one.
        address = f"/admin/clients/{orders.id}"
        changed = (await http.post(f"{address}/secret", headers=admin)).json()
        renewed = Orders(http, orders.id, changed["secret"])
        assert await orders.token()
        assert await renewed.token()
        body = {"end_previous": True}
        ended = (await http.post(f"{address}/secret", json=body, headers=admin)).json()
        current = Orders(http, orders.id, ended["secret"])
        assert await orders.is_refused()
        assert await renewed.is_refused()

        # It gives its own token back.
        assert (await current.introspect(own))["active"] is True
        assert (await current.post("/oauth/revoke", token=own)).status_code == 200
        assert await current.introspect(own) == DEAD

        # It is shown out.
        assert (await http.delete(address, headers=admin)).status_code == 204
        assert await current.is_refused()
        left = (await http.get("/admin/clients", headers=admin)).json()
        assert left == {"items": [], "next_cursor": None}
    for secret in (orders.secret, renewed.secret, current.secret, own):
        assert secret.encode() not in server.log
