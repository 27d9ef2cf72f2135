"""Service clients, and people who are logged in, for the OAuth endpoints."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from fastapi import FastAPI


@dataclass
class Service:
    """A client's credentials, and a connection to call with."""

    http: httpx.AsyncClient
    id: str
    secret: str

    @property
    def basic(self) -> dict[str, str]:
        return basic(f"{quote_plus(self.id)}:{quote_plus(self.secret)}")

    async def token(self, **form: str) -> str:
        found: str = (await self.ask_for_token(**form)).json()["access_token"]
        return found

    async def ask_for_token(self, **form: str) -> httpx.Response:
        data = {"grant_type": "client_credentials"} | form
        return await self.http.post("/oauth/token", data=data, headers=self.basic)

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.http.post(
            "/oauth/introspect", data={"token": token}, headers=self.basic
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found: dict[str, Any] = answer.json()
        return found

    async def revoke(self, token: str) -> httpx.Response:
        return await self.http.post("/oauth/revoke", data={"token": token}, headers=self.basic)


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


async def new_service(app: FastAPI, http: httpx.AsyncClient, *scopes: str) -> Service:
    async with app.state.database.transaction() as db:
        made = await app.state.service_clients.create(db, "orders", scopes)
    return Service(http, str(made.client.id), made.secret)


@pytest.fixture
async def service(app: FastAPI, client: httpx.AsyncClient) -> Service:
    return await new_service(app, client, "orders:read", "orders:write", "introspection", "email")


@pytest.fixture
async def other_service(app: FastAPI, client: httpx.AsyncClient) -> Service:
    return await new_service(app, client, "introspection", "email")
