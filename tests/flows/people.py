"""People who use the service, in as few words as a test needs."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.conftest import PASSWORD, bearer


@dataclass
class Person:
    """Somebody with an account, on one device."""

    http: httpx.AsyncClient
    email: str = "ada@example.com"
    password: str = PASSWORD
    device: str = "python-httpx"
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {**bearer(self.tokens), "User-Agent": self.device}

    async def register(self) -> "Person":
        answer = await self.http.post(
            "/auth/register", json={"email": self.email, "password": self.password}
        )
        assert answer.status_code in {201, 202}, answer.text
        return self

    async def try_to_log_in(self) -> httpx.Response:
        return await self.http.post(
            "/auth/login",
            json={"email": self.email, "password": self.password},
            headers={"User-Agent": self.device},
        )

    async def log_in(self) -> "Person":
        answer = await self.try_to_log_in()
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    async def on(self, device: str) -> "Person":
        """The same person, logged in on another device."""
        return await Person(self.http, self.email, self.password, device).log_in()

    async def me(self) -> httpx.Response:
        return await self.http.get("/users/me", headers=self.headers)

    async def is_logged_in(self) -> bool:
        return (await self.me()).status_code == 200

    async def refresh(self) -> httpx.Response:
        body = {"refresh_token": self.tokens["refresh_token"]}
        return await self.http.post("/auth/refresh", json=body, headers={"User-Agent": self.device})

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Send a request as somebody who is logged in."""
        return await self.http.request(method, path, json=body or None, headers=self.headers)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """Ada, registered and logged in."""
    return await (await Person(client).register()).log_in()


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Person:
    """Bob, registered and logged in."""
    return await (await Person(client, email="bob@example.com").register()).log_in()
