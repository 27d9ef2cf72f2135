"""Accounts imported at the same moment as others are imported, or register."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from auth_service.db.session import Database
from auth_service.users.models import User
from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD, SECRET
from tests.races.conftest import Servers

HASH = "$2b$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi"
LINES = [f"user{number}@example.com,{HASH}\n" for number in range(5000)]
EACH_THOUSAND_REVERSED = [
    line for start in range(0, len(LINES), 1000) for line in LINES[start : start + 1000][::-1]
]
HEADER = "email,password_hash\n"


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> CommandLine:
    """Commands as processes of their own, on the servers' database."""
    settings = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": database_url,
        "AUTH_SECRET_KEYS": SECRET,
    }
    return CommandLine(tmp_path, settings, in_process=False)


async def take_in(command: CommandLine, name: str, lines: list[str]) -> tuple[int, int]:
    """Import a file of these lines; how many were imported, how many already there."""
    (command.folder / name).write_text(HEADER + "".join(lines))
    printed = await asyncio.to_thread(command.succeed, "users", "import", name, "--json")
    counts = json.loads(printed)
    assert counts["finished"]
    return counts["imported"], counts["already_there"]


async def stored(database: Database) -> dict[str, str | None]:
    """Every address with its hash; an address that is there twice fails the test."""
    async with database.transaction() as db:
        rows = list(await db.execute(select(User.email_key, User.password_hash)))
    found: dict[str, str | None] = {row.email_key: row.password_hash for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("order", ["the same order", "another order"])
async def test_two_imports_of_the_same_accounts_make_each_once(
    command: CommandLine, database: Database, order: str
) -> None:
    others = LINES if order == "the same order" else EACH_THOUSAND_REVERSED
    counts = await asyncio.gather(
        take_in(command, "one.csv", LINES), take_in(command, "other.csv", others)
    )
    assert sum(imported for imported, _ in counts) == len(LINES)
    assert sum(there for _, there in counts) == len(LINES)
    assert len(await stored(database)) == len(LINES)


async def test_people_who_register_during_an_import_are_let_in_or_told_that_they_are_there(
    servers: Servers, command: CommandLine, database: Database
) -> None:
    importing = asyncio.create_task(take_in(command, "users.csv", LINES))
    answers: dict[str, int] = {}
    number = len(LINES)
    while not importing.done():
        number -= 23
        fresh = f"fresh{number}@example.com"
        for client, email in zip(
            servers.take(2), (f"USER{number % len(LINES)}@example.com", fresh), strict=True
        ):
            answers[email.lower()] = await register(client, email)
    imported, there = await importing
    assert set(answers.values()) <= {201, 409}
    assert all(status == 201 for email, status in answers.items() if email.startswith("fresh"))
    found = await stored(database)
    registered = {email for email, status in answers.items() if status == 201}
    assert set(found) == registered | {f"user{one}@example.com" for one in range(len(LINES))}
    assert imported + there == len(LINES)
    assert there == sum(email.startswith("user") for email in registered)
    for email, password_hash in found.items():
        assert (password_hash == HASH) is (email not in registered)


async def register(client: httpx.AsyncClient, email: str) -> int:
    body: dict[str, Any] = {"email": email, "password": PASSWORD}
    return (await client.post("/auth/register", json=body)).status_code
