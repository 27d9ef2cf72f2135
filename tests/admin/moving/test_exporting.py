"""Accounts given out, in a form that can be taken in again."""

import csv
import io
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from auth_service.admin.moving.formats import Format, read_records
from auth_service.admin.moving.names import FIELDS
from auth_service.app import create_app
from auth_service.users.models import User
from tests.conftest import settings_for
from tests.moving_clock import MovingClock

HASH = "$2b$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi"
ACCOUNTS: list[dict[str, Any]] = [
    {"email": "Ada@example.com", "password_hash": HASH, "roles": ["user", "admin"]},
    {"email": "bob@example.com", "password_hash": None, "roles": []},
    {"email": "grüße@bücher.example", "password_hash": HASH, "email_verified": True},
    {"email": "o'hara+x@example.com", "password_hash": HASH, "last_login_at": "2024-05-06"},
    {"email": "eve@example.com", "password_hash": HASH, "disabled": True},
    {
        "email": "mia@example.com",
        "password_hash": HASH,
        "created_at": "1970-01-01 00:00:00.000001",
        "disabled_at": "2024-05-06T07:08:09.000001Z",
        "disabled_until": "2031-01-01",
    },
    {"email": "id@example.com", "password_hash": HASH, "id": "0" * 32},
    {"email": "=1+1@example.com", "password_hash": HASH},
    {"email": "'=1+1@example.com", "password_hash": HASH},
    {"email": "''@example.com", "password_hash": HASH},
]
VARIED = "".join(json.dumps(values) + "\n" for values in ACCOUNTS)
FORMATS = pytest.mark.parametrize("file_format", Format)


@FORMATS
@pytest.mark.usefixtures("small_batches")
async def test_an_export_taken_in_elsewhere_and_given_out_again_is_the_same(
    move_in: Any, move_out: Any, app: Any, file_format: Format
) -> None:
    assert (await move_in(VARIED, Format.JSONL)).counts == (10, 0, 0)
    first = await move_out(file_format)
    async with app.state.database.transaction() as db:
        await db.execute(delete(User))
    assert (await move_in(first, file_format)).counts == (10, 0, 0)
    assert await move_out(file_format) == first


@FORMATS
async def test_what_is_exported_is_already_there(
    move_in: Any, move_out: Any, file_format: Format
) -> None:
    await move_in(VARIED, Format.JSONL)
    assert (await move_in(await move_out(file_format), file_format)).counts == (0, 10, 0)


async def test_people_who_registered_can_log_in_where_they_are_taken_in(
    move_out: Any,
    tokens: dict[str, Any],
    credentials: dict[str, str],
    sqlite_template: Any,
    tmp_path: Any,
    clock: MovingClock,
) -> None:
    text = await move_out()
    copy = tmp_path / "elsewhere.db"
    copy.write_bytes(sqlite_template.read_bytes())
    elsewhere = create_app(settings_for(f"sqlite+aiosqlite:///{copy}"), clock=clock)
    async with elsewhere.router.lifespan_context(elsewhere):
        found = read_records(io.BytesIO(text.encode()), Format.CSV)
        settled = [one async for one in elsewhere.state.user_import.run(found)]
        assert [one.imported for one in settled] == [1]
        transport = httpx.ASGITransport(elsewhere, client=("198.51.100.7", 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            assert (await http.post("/auth/login", json=credentials)).status_code == 200


async def test_csv_has_a_header_and_a_line_for_each_account(move_in: Any, move_out: Any) -> None:
    await move_in(VARIED, Format.JSONL)
    rows = list(csv.DictReader(io.StringIO(await move_out())))
    assert tuple(rows[0]) == FIELDS
    by_email = {row["email"]: row for row in rows}
    assert by_email["Ada@example.com"]["roles"] == "user admin"
    assert by_email["bob@example.com"]["roles"] == "[]"
    assert by_email["bob@example.com"]["password_hash"] == ""
    assert by_email["grüße@bücher.example"]["email_verified"] == "true"
    assert by_email["mia@example.com"]["created_at"] == "1970-01-01T00:00:00.000001Z"


async def test_json_lines_have_every_field(move_in: Any, move_out: Any) -> None:
    await move_in(VARIED, Format.JSONL)
    rows = [json.loads(line) for line in (await move_out(Format.JSONL)).splitlines()]
    assert all(tuple(row) == FIELDS for row in rows)
    assert {row["email"]: row["roles"] for row in rows}["bob@example.com"] == []


async def test_where_nobody_is_only_the_header_is_exported(move_out: Any) -> None:
    assert await move_out() == ",".join(FIELDS) + "\n"
    assert await move_out(Format.JSONL) == ""


@pytest.mark.usefixtures("small_batches")
async def test_accounts_made_meanwhile_do_no_harm(user_export: Any, move_in: Any, app: Any) -> None:
    await move_in(VARIED, Format.JSONL)
    accounts = 0
    async for part in user_export.run(Format.JSONL):
        accounts += part.accounts
        if accounts == 2:
            await move_in("email,password_hash\nnew@example.com,\n")
    assert accounts in {10, 11}


async def test_no_cell_is_a_formula_to_a_spreadsheet(move_in: Any, move_out: Any) -> None:
    addresses = [f"{first}cmd@example.com" for first in "=+-'"]
    people = [{"email": email, "password_hash": None} for email in addresses]
    lines = "".join(json.dumps(person) + "\n" for person in people)
    moved = await move_in(lines, Format.JSONL)
    assert moved.refused == []
    rows = list(csv.reader(io.StringIO(await move_out())))
    cells = {cell for row in rows for cell in row}
    assert {f"'{email}" for email in addresses} <= cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
