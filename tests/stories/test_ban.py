"""A ban reaches a service that validates offline, within seconds and without a request for each."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from auth_service.verifier import (
    ClientCredentials,
    InvalidTokenError,
    RevocationFeed,
    TokenVerifier,
)
from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET
from tests.running_server import NewServer

INTERVAL = 0.5
BOUND = 2 * INTERVAL + 1
"""Two intervals and an exchange, and what a busy machine takes."""
ADA = {"email": "ada@example.com", "password": PASSWORD}


async def test_a_ban_reaches_an_offline_validator_within_seconds(
    new_server: NewServer, database_url: str, tmp_path: Path
) -> None:
    async with new_server(is_issuer=True) as server, server.client() as http:
        settings = {
            "AUTH_DATABASE_URL": database_url,
            "AUTH_SECRET_KEYS": SECRET,
            "AUTH_ENVIRONMENT": "test",
        }
        command = CommandLine(tmp_path, settings, in_process=False)
        arguments = ("clients", "create", "gateway", "--scope", "revocations", "--json")
        [made] = json.loads(command.run(*arguments).stdout)
        verifier = TokenVerifier(
            issuer=server.url,
            audience=server.url,
            revocations=RevocationFeed(
                ClientCredentials(made["id"], made["secret"]), interval=INTERVAL
            ),
        )
        await http.post("/auth/register", json=ADA)
        token = (await http.post("/auth/login", json=ADA)).json()["access_token"]
        other = (await http.post("/auth/login", json=ADA)).json()
        assert (await verifier.verify(token)).subject
        assert (await verifier.verify(other["access_token"])).subject
        await http.post("/auth/logout", json={"refresh_token": other["refresh_token"]})
        await refused(verifier, other["access_token"])
        assert (await verifier.verify(token)).subject
        assert command.run("users", "disable", ADA["email"]).returncode == 0
        await refused(verifier, token)


async def refused(verifier: TokenVerifier, token: str) -> None:
    """Wait until the verifier refuses a token; no longer than it promises."""
    deadline = time.monotonic() + BOUND
    while True:
        try:
            await verifier.verify(token)
        except InvalidTokenError as refusal:
            assert refusal.check == "revoked"  # noqa: PT017 - it is waited for
            return
        if time.monotonic() > deadline:
            pytest.fail(f"not refused within {BOUND} seconds")
        await asyncio.sleep(0.05)
