"""An administrator who has logged in, and one of the people."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from tests.conftest import PASSWORD, bearer

ROOT = {"email": "root@example.com", "password": PASSWORD}


async def log_in(client: httpx.AsyncClient, credentials: dict[str, str] = ROOT) -> dict[str, str]:
    """The header of somebody who has just logged in."""
    answer = await client.post("/auth/login", json=credentials)
    assert answer.status_code == 200, answer.text
    return bearer(answer.json())


async def new_administrator(app: FastAPI) -> None:
    async with app.state.database.transaction() as db:
        await app.state.registrations.create(
            db,
            Email.parse(ROOT["email"]),
            PASSWORD,
            client=ClientInfo(),
            roles=("user", "admin"),
        )


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> dict[str, str]:
    """The header of an administrator who has just logged in."""
    await new_administrator(app)
    return await log_in(client)


@pytest.fixture
def person(tokens: dict[str, Any]) -> dict[str, str]:
    """The header of somebody without the role, who has just logged in."""
    return bearer(tokens)
