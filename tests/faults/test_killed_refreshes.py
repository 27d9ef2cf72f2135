"""Workers are killed while people refresh: every session goes on, none has two branches.

Fifty clients refresh without pause, each its own session. A worker is killed again and again, at
moments of chance; who hears no answer asks again with the same token, as a client would.
"""

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from auth_service.db.session import Database
from auth_service.sessions.models import Session
from tests.conftest import PASSWORD, SECRET, bearer, settings_for
from tests.faults.reliability import note
from tests.faults.test_workers import until_workers, workers_of
from tests.running_server import RunningServer, serving

pytestmark = pytest.mark.postgresql
CLIENTS = 50
KILLS = int(os.environ.get("TEST_KILLS", "5"))
"""`make faults` kills a hundred."""


@dataclass
class Client:
    """Somebody with one session, who refreshes it and keeps count."""

    http: httpx.AsyncClient
    email: str
    refresh_token: str = ""
    access_token: str = ""
    rotations: int = 0
    unanswered: int = 0
    longest: float = 0.0

    async def log_in(self) -> None:
        body = {"email": self.email, "password": PASSWORD}
        assert (await self.http.post("/auth/register", json=body)).status_code == 201
        answer = await self.http.post("/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        self._take(answer)

    async def refresh(self) -> None:
        """Get the next token, with as many tries as it takes."""
        began = monotonic()
        while True:
            try:
                body = {"refresh_token": self.refresh_token}
                answer = await self.http.post("/auth/refresh", json=body)
            except httpx.TransportError:
                self.unanswered += 1
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code in {200, 503}, answer.text
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        self._take(answer)
        self.rotations += 1
        self.longest = max(self.longest, monotonic() - began)

    def _take(self, answer: httpx.Response) -> None:
        tokens: dict[str, Any] = answer.json()
        self.refresh_token, self.access_token = tokens["refresh_token"], tokens["access_token"]


async def refresh_until(stopped: asyncio.Event, client: Client) -> None:
    while not stopped.is_set():
        await client.refresh()


async def kill_one(server: RunningServer, moments: random.Random, started: int) -> None:
    """Kill a worker once two are there and at work."""
    await until_workers(server, started)
    await asyncio.sleep(moments.uniform(0.05, 0.4))
    os.kill(moments.choice(workers_of(server)), signal.SIGKILL)


async def counters(database_url: str) -> dict[str, int]:
    """How often each session was rotated, as the database has it."""
    database = Database.from_settings(settings_for(database_url))
    rows = await database.fetch_rows(
        select(Session.id, Session.counter).where(Session.ended_at.is_(None)),
        lambda id_, counter: (str(id_), int(counter)),
    )
    await database.close()
    return dict(rows)


async def test_every_session_goes_on_and_none_has_two_branches(
    postgresql_url: str, tmp_path: Path
) -> None:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": postgresql_url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_ACCESS_LOG": "false",
        "AUTH_WORKERS": "2",
        **{
            f"AUTH_RATE_LIMIT_{name}": "1000000/minute"
            for name in ("LOGIN", "ANONYMOUS", "REFRESH", "USER", "MAIL", "MAIL_ADDRESS")
        },
    }
    moments = random.Random(1815)  # noqa: S311 - repeatable moments
    async with serving(environment, folder=tmp_path) as server:
        await until_workers(server, 2)
        clients = [Client(server.client(), f"p{number}@example.com") for number in range(CLIENTS)]
        for client in clients:
            await client.log_in()
        stopped = asyncio.Event()
        tasks = [asyncio.create_task(refresh_until(stopped, client)) for client in clients]
        for number in range(KILLS):
            await kill_one(server, moments, 2 + number)
        await until_workers(server, 2 + KILLS)
        stopped.set()
        await asyncio.gather(*tasks)
        for client in clients:
            await client.refresh()
            me = await client.http.get(
                "/users/me", headers=bearer({"access_token": client.access_token})
            )
            assert me.json()["email"] == client.email
            await client.http.aclose()
    assert sum(client.unanswered for client in clients) > 0
    # Each answered rotation is one step of the one chain; a step whose answer was lost is the same
    # step again. So nobody was given a token of another branch, and no step was made twice.
    kept = await counters(postgresql_url)
    assert sorted(kept.values()) == sorted(client.rotations for client in clients)
    rotations, lost = sum(c.rotations for c in clients), sum(c.unanswered for c in clients)
    note(
        f"a worker killed by SIGKILL {KILLS} times while {CLIENTS} clients refresh",
        clients_see=f"{lost:,} lost connections; with the same token the next try succeeds",
        until_normal=f"the longest refresh took {max(c.longest for c in clients):.1f} s",
        lost=f"nothing ({rotations:,} rotations of {CLIENTS} sessions; none forked, none ended)",
    )
