"""An endpoint that takes connections and never answers, beside one that does."""

import asyncio
from pathlib import Path
from time import monotonic

from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET
from tests.faults.reliability import note
from tests.running_server import serving
from tests.webhooks.receiver import receiving

EVENTS = 40
SECONDS = 20


async def test_an_endpoint_that_hangs_delays_no_other(tmp_path: Path) -> None:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_RATE_LIMIT_ANONYMOUS": "100000/minute",
        "AUTH_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/auth.db",
    }
    async with (
        receiving() as hanging,
        receiving() as good,
        serving(environment, folder=tmp_path) as server,
        server.client() as http,
    ):
        hanging.manner = "stall"
        command = CommandLine(tmp_path, environment, in_process=False)
        for receiver in (hanging, good):
            create = ("webhooks", "create", receiver.url, "--event", "user.created")
            await asyncio.to_thread(command.succeed, *create)
        for number in range(EVENTS):
            body = {"email": f"ada{number}@example.com", "password": PASSWORD}
            assert (await http.post("/auth/register", json=body)).status_code == 201
        began = monotonic()
        for _ in range(SECONDS * 20):
            if len(good.deliveries) == EVENTS:
                break
            await asyncio.sleep(0.05)
        waited = monotonic() - began
        assert len(good.deliveries) == EVENTS
        assert len(hanging.deliveries) <= 4
    note(
        "a webhook endpoint that hangs",
        clients_see=f"another endpoint: {EVENTS} events, the last {waited:.1f} s after its request",
        until_normal="at once",
        lost="nothing",
    )
