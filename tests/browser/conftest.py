"""A real browser against a running server."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from tests.conftest import PASSWORD, SECRET
from tests.running_server import RunningServer, serving

EMAIL = "ada@example.com"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        await started.close()


def settings_on(database_url: str) -> dict[str, str]:
    return {
        "AUTH_DATABASE_URL": database_url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        # Without any, development allows every origin of this machine.
        "AUTH_CORS_ORIGINS": "https://app.example.com",
    }


async def register(server: RunningServer) -> None:
    """Make the account that the browser logs in to."""
    credentials = {"email": EMAIL, "password": PASSWORD}
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/auth/register", json=credentials)
    assert answer.status_code == 201


@pytest.fixture
async def server(sqlite_url: str, tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server as a newcomer has it, with one account."""
    async with serving(settings_on(sqlite_url), folder=tmp_path) as started:
        await register(started)
        yield started
