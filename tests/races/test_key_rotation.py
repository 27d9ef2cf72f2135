"""Keys rotate under load, and nobody who keeps to the rules refuses a single token."""

import asyncio
import base64
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from jose import jwk

from auth_service.db.session import Database
from auth_service.tokens import repository
from tests.conftest import bearer

SECONDS, PEOPLE = 9, 6
QUICK = {
    "AUTH_KEY_CHECK_INTERVAL": "0.3",
    "AUTH_JWKS_CACHE_TTL": "1",
    "AUTH_KEY_ROTATION_INTERVAL": "1",
    "AUTH_ACCESS_TOKEN_TTL": "4",
    "AUTH_RATE_LIMIT_USER": "100000/minute",
}


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass
class CachingValidator:
    """Another service: it keeps the JWK Set for as long as it may, and asks for nothing else."""

    issuer: httpx.AsyncClient
    keys: dict[str, Any] = field(default_factory=dict)
    good_until: float = 0.0
    kids: set[str] = field(default_factory=set)

    async def accepts(self, token: str) -> bool:
        if time.monotonic() >= self.good_until:
            asked = time.monotonic()
            answer = await self.issuer.get("/.well-known/jwks.json")
            seconds = int(answer.headers["cache-control"].rpartition("=")[2])
            self.keys = {key["kid"]: key for key in answer.json()["keys"]}
            self.good_until = asked + seconds
        header, payload, signature = token.split(".")
        kid = json.loads(decoded(header))["kid"]
        self.kids.add(kid)
        if kid not in self.keys:
            return False
        key = jwk.construct(self.keys[kid], "ES256")
        return bool(key.verify(f"{header}.{payload}".encode(), decoded(signature)))


@dataclass
class Person:
    """Refreshes all the time, and shows each token everywhere, twice: when new and when old."""

    clients: list[httpx.AsyncClient]
    validators: list[CachingValidator]
    tokens: dict[str, Any]
    refused: list[str] = field(default_factory=list)
    shown: int = 0

    async def live(self, until: float) -> None:
        turn = 0
        while time.monotonic() < until:
            before = self.tokens
            client = self.clients[turn % len(self.clients)]
            turn += 1
            body = {"refresh_token": before["refresh_token"]}
            answer = await client.post("/auth/refresh", json=body)
            assert answer.status_code == 200, answer.text
            self.tokens = answer.json()
            await self.show(self.tokens)
            await asyncio.sleep(0.3)
            await self.show(self.tokens)

    async def show(self, tokens: dict[str, Any]) -> None:
        for client in self.clients:
            self.shown += 1
            answer = await client.get("/users/me", headers=bearer(tokens))
            if answer.status_code != 200:
                self.refused.append(f"{answer.status_code} {answer.text}")
        for validator in self.validators:
            self.shown += 1
            if not await validator.accepts(tokens["access_token"]):
                self.refused.append("by a validator")


async def test_no_token_is_refused_while_keys_rotate(new_server: Any, database_url: str) -> None:
    number = 2 if database_url.startswith("postgresql") else 1
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(new_server(**QUICK)) for _ in range(number)]
        clients = [await stack.enter_async_context(server.client()) for server in servers]
        validators = [CachingValidator(client) for client in clients]
        people = []
        for n in range(PEOPLE):
            login = {"email": f"person{n}@example.com", "password": "correct horse battery"}
            await clients[0].post("/auth/register", json=login)
            tokens = (await clients[0].post("/auth/login", json=login)).json()
            people.append(Person(clients, validators, tokens))
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(person.live(until) for person in people))
    assert [refusal for person in people for refusal in person.refused] == []
    assert sum(person.shown for person in people) > 100
    assert all(len(validator.kids) >= 3 for validator in validators)


async def test_workers_that_find_the_key_old_together_publish_one_next_key(
    new_server: Any, database_url: str, database: Database
) -> None:
    """Three processes look every fifth of a second; the next key is due from the start."""
    changes = QUICK | {"AUTH_KEY_CHECK_INTERVAL": "0.2", "AUTH_JWKS_CACHE_TTL": "3600"}
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(new_server(**changes)) for _ in range(3))
        servers = await asyncio.gather(*starting)
        await asyncio.sleep(2.5)
        states = sorted(key.state for key in await repository.list_keys(database))
        assert states == ["active", "next"]
        lines = b"".join(server.log for server in servers).splitlines()
        assert len([line for line in lines if b"published" in line and b"state=next" in line]) == 1
