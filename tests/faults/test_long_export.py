"""A history of 100,000 events, taken along by several clients at once."""

import asyncio
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx
from sqlalchemy import create_engine, insert

from auth_service.audit.models import AuditEvent
from auth_service.core.ids import new_id
from tests.conftest import PASSWORD, SECRET
from tests.faults.reliability import note
from tests.running_server import serving

EVENTS = 100_000 if "TEST_RELIABILITY" in os.environ else 10_000
EXPORTS = 4
MEBIBYTES = 32
"""What a worker may grow by: less than one export is long, or than its rows would take."""


def memory(pid: int, name: str) -> float:
    """What a process has in RAM now (``VmRSS``), or had at most (``VmHWM``), in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    [found] = re.findall(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found) / 1024


async def test_a_long_history_is_exported_in_little_memory(tmp_path: Path) -> None:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/auth.db",
    }
    person = {"email": "ada@example.com", "password": PASSWORD}
    async with serving(environment, folder=tmp_path) as server, server.client() as http:
        user = (await http.post("/auth/register", json=person)).json()["id"]
        await asyncio.to_thread(make_history, tmp_path / "auth.db", UUID(user))
        login = (await http.post("/auth/login", json=person)).json()
        http.headers["Authorization"] = f"Bearer {login['access_token']}"
        pid = server.process.pid
        before = memory(pid, "VmRSS")
        began = monotonic()
        sizes = await asyncio.gather(*(export(http) for _ in range(EXPORTS)))
        lasted = monotonic() - began
        grown = memory(pid, "VmHWM") - before
    assert grown < MEBIBYTES
    note(
        f"{EXPORTS} clients export a history of {EVENTS:,} events",
        clients_see=f"all of it, {max(sizes) / 2**20:.0f} MiB each, in {lasted:.0f} s",
        until_normal=f"at once; the worker grew by {grown:.0f} MiB",
        lost="nothing",
    )


def make_history(path: Path, user: UUID) -> None:
    """Give somebody more events than they could make in the time of a test."""
    engine = create_engine(f"sqlite:///{path}")
    now = datetime.now(UTC)
    rows = (
        {
            "id": new_id(),
            "happened_at": now,
            "action": "login",
            "outcome": "success",
            "subject_id": user,
            "actor_id": user,
            "ip": "198.51.100.7",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
            "details": {},
        }
        for _ in range(EVENTS)
    )
    with engine.begin() as connection:
        connection.execute(insert(AuditEvent), list(rows))
    engine.dispose()


async def export(http: httpx.AsyncClient) -> int:
    """Take one export; how many bytes it was long."""
    parts = []
    async with http.stream("GET", "/users/me/export") as answer:
        assert answer.status_code == 200
        parts = [part async for part in answer.aiter_bytes()]
    whole = b"".join(parts)
    assert whole.count(b'"action":"login"') == EVENTS + 1
    assert whole.endswith(b"]}")
    return len(whole)
