"""Whoever runs the service, at the command line, while it serves."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET, bearer
from tests.running_server import serving


async def test_an_operator_sets_up_the_service_and_throws_somebody_out(tmp_path: Path) -> None:
    settings = {"AUTH_SECRET_KEYS": SECRET, "AUTH_BCRYPT_ROUNDS": "4"}
    command = CommandLine(tmp_path, settings, in_process=False)

    async def operate(*arguments: str, stdin: str = "") -> str:
        return await asyncio.to_thread(command.succeed, *arguments, stdin=stdin)

    async def users() -> dict[str, Any]:
        rows = json.loads(await operate("users", "list", "--json"))
        return {row["email"]: row for row in rows}

    assert "from nothing" in await operate("migrate")
    await operate("users", "create", "root@example.com", "--role", "admin", stdin=PASSWORD)

    async with serving(settings, folder=tmp_path) as server, server.client() as http:
        assert b"Admin:" not in server.log
        credentials = {"email": "ada@example.com", "password": PASSWORD}
        await http.post("/auth/register", json=credentials)
        tokens = (await http.post("/auth/login", json=credentials)).json()
        assert (await http.get("/users/me", headers=bearer(tokens))).status_code == 200
        assert {email: row["roles"] for email, row in (await users()).items()} == {
            "root@example.com": ["user", "admin"],
            "ada@example.com": ["user"],
        }

        await operate("users", "disable", "ada@example.com")
        assert (await http.get("/users/me", headers=bearer(tokens))).status_code == 401
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await http.post("/auth/refresh", json=body)).status_code == 401
        disabled = await http.post("/auth/login", json=credentials)
        unknown = await http.post("/auth/login", json=credentials | {"email": "nobody@example.com"})
        without_id = [
            {name: value for name, value in answer.json().items() if name != "request_id"}
            for answer in (disabled, unknown)
        ]
        assert disabled.status_code == 401
        assert without_id[0] == without_id[1]

        # Letting her in again does not bring her old session back.
        await operate("users", "enable", "ada@example.com")
        assert (await http.get("/users/me", headers=bearer(tokens))).status_code == 401
        assert (await http.post("/auth/login", json=credentials)).status_code == 200
        assert (await users())["ada@example.com"]["disabled_at"] is None
