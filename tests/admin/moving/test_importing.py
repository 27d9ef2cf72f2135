"""Accounts taken in from elsewhere, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from auth_service.admin.moving.errors import UnreadableFileError
from auth_service.admin.moving.formats import Format, FoundRecord
from auth_service.admin.moving.importing import RefusedLine, UserImport
from tests.conftest import PASSWORD
from tests.flows.email_change.test_email_change import change
from tests.flows.people import Person
from tests.moving_clock import MovingClock

HEADER = "email,password_hash,email_verified,roles,created_at\n"
# PASSWORD, by werkzeug's own arithmetic with a cheap cost.
HASH = "pbkdf2:sha256:1000$NaCl$baec2a72032533bcee3095a4470130c8602a68ad421e187a0cbfef864b5e7cc4"
ADA = f"ada@example.com,{HASH},true,user admin,2024-05-06 07:08:09.12\n"
BOB = "bob@example.com,,,,\n"
ID = "019b17d7-0dac-7549-bd4f-3506907d1583"


async def test_an_account_is_taken_in_as_it_was(
    move_in: Any, records: Any, clock: MovingClock
) -> None:
    moved = await move_in(HEADER + ADA + BOB)
    assert moved.counts == (2, 0, 0)
    stored = await records()
    ada, bob = stored["ada@example.com"], stored["bob@example.com"]
    assert (ada.email, ada.password_hash, ada.email_verified) == ("ada@example.com", HASH, True)
    assert ada.roles == ["user", "admin"]
    assert ada.created_at == datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=UTC)
    assert (bob.password_hash, bob.email_verified, bob.roles) == (None, False, ["user"])
    assert bob.created_at == clock.now()


async def test_the_old_password_logs_in_and_its_hash_becomes_one_of_today(
    move_in: Any, records: Any, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    await move_in(HEADER + ADA)
    assert (await client.post("/auth/login", json=credentials)).status_code == 200
    upgraded = (await records())["ada@example.com"].password_hash
    assert upgraded.startswith("$bcrypt-sha256$")
    assert (await client.post("/auth/login", json=credentials)).status_code == 200


async def test_without_a_hash_no_password_logs_in(move_in: Any, client: httpx.AsyncClient) -> None:
    await move_in(HEADER + BOB)
    answer = await client.post(
        "/auth/login", json={"email": "bob@example.com", "password": PASSWORD}
    )
    assert answer.status_code == 401


async def test_administrators_are_counted(move_in: Any) -> None:
    moved = await move_in(HEADER + ADA + BOB + "eve@example.com,,,administrator,\n")
    assert moved.total("administrators") == 1


async def test_what_is_there_already_is_left_as_it_is_in_whatever_spelling(
    move_in: Any, records: Any
) -> None:
    await move_in(HEADER + ADA)
    before = await records()
    moved = await move_in(HEADER + "ADA@EXAMPLE.\uff23om,,false,user,2020-01-01\n")
    assert moved.counts == (0, 1, 0)
    assert moved.total("administrators") == 0
    assert await records() == before


@pytest.mark.usefixtures("small_batches")
async def test_importing_a_file_again_changes_nothing(move_in: Any, records: Any) -> None:
    text = HEADER + "".join(f"user{number}@example.com,{HASH},,,\n" for number in range(5))
    assert (await move_in(text)).counts == (5, 0, 0)
    before = await records()
    assert (await move_in(text)).counts == (0, 5, 0)
    assert await records() == before


@pytest.mark.usefixtures("small_batches")
async def test_of_an_address_that_is_in_the_file_twice_the_first_line_counts(
    move_in: Any, records: Any
) -> None:
    text = HEADER + ADA + BOB + BOB.replace("bob", "eve") + "ADA@example.com,,,,\n"
    moved = await move_in(text)
    again = await move_in(text)
    repeated = RefusedLine(5, "ADA@example.com", "email", "is that of line 2 as well")
    assert moved.refused == again.refused == [repeated]
    assert (moved.counts, again.counts) == ((3, 0, 1), (0, 3, 1))
    assert (await records())["ada@example.com"].password_hash == HASH


async def test_a_line_that_was_refused_does_not_stand_in_the_way_of_another(move_in: Any) -> None:
    moved = await move_in(HEADER + "ada@example.com,md5$1$2,,,\n" + ADA)
    assert [line.line for line in moved.refused] == [2]
    assert moved.total("imported") == 1


REFUSED = {
    "a hash of no known kind": (
        "ada@example.com,md5$salt$5f4dcc3b,,,",
        ("ada@example.com", "password_hash", "is of no kind that this service can check"),
    ),
    "a hash that takes minutes": (
        "ada@example.com,pbkdf2:sha256:999999999$salt$" + "0" * 64 + ",,,",
        (
            "ada@example.com",
            "password_hash",
            "would take too long or too much memory to check",
        ),
    ),
    "a hash that takes gigabytes": (
        "ada@example.com,scrypt:1073741824:8:1$salt$" + "0" * 128 + ",,,",
        (
            "ada@example.com",
            "password_hash",
            "would take too long or too much memory to check",
        ),
    ),
    "a damaged hash": (
        "ada@example.com,pbkdf2:sha256:1000$salt$" + "0" * 63 + ",,,",
        ("ada@example.com", "password_hash", "is damaged: no password would ever match it"),
    ),
    "the password itself": (
        f"ada@example.com,{PASSWORD},,,",
        ("ada@example.com", "password_hash", "is of no kind that this service can check"),
    ),
    "no address": (f"{HASH},{HASH},,,", (None, "email", "is no valid address")),
    "a NUL": ("a\0da@example.com,,,,", (None, "email", "is no valid address")),
    "a bad flag": (
        "ada@example.com,,perhaps,,",
        ("ada@example.com", "email_verified", "is neither true nor false"),
    ),
    "too few fields": ("ada@example.com", (None, None, "has 1 fields where the header has 5")),
}


@pytest.mark.parametrize(("line", "told"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_line_is_told_with_its_number_and_reason_and_the_others_are_imported(
    move_in: Any, records: Any, line: str, told: tuple[str | None, str | None, str]
) -> None:
    moved = await move_in(HEADER + BOB + line + "\n" + BOB.replace("bob", "eve"))
    assert moved.refused == [RefusedLine(3, *told)]
    assert set(await records()) == {"bob@example.com", "eve@example.com"}


async def test_no_refusal_repeats_a_hash(move_in: Any) -> None:
    secret = "0" * 63
    lines = [
        f"{HASH},{HASH},{HASH},{HASH},{HASH}",
        f"ada@example.com,pbkdf2:sha256:1000$salt${secret},,,",
        f"ada@example.com,,{secret},,",
        f"ada@example.com,,,{HASH},",
        f"ada@example.com,,,,{HASH}",
    ]
    moved = await move_in(HEADER + "\n".join(lines))
    assert len(moved.refused) == len(lines)
    assert not any(secret in repr(line) or HASH in repr(line) for line in moved.refused)


# --- Ids ---


async def test_an_id_is_kept(move_in: Any, records: Any) -> None:
    await move_in(f"id,email,password_hash\n{ID},ada@example.com,\n")
    assert (await records())["ada@example.com"].id == UUID(ID)


async def test_an_id_of_another_account_is_refused_and_that_account_untouched(
    move_in: Any, records: Any
) -> None:
    await move_in(f"id,email,password_hash\n{ID},ada@example.com,{HASH}\n")
    before = await records()
    other = f"id,email,password_hash\n{ID},eve@example.com,\n"
    for dry_run in (True, False):
        moved = await move_in(other, dry_run=dry_run)
        assert moved.refused == [
            RefusedLine(2, "eve@example.com", "id", "is that of another account")
        ]
    assert await records() == before


async def test_an_id_that_is_in_the_file_twice_is_refused_the_second_time(move_in: Any) -> None:
    lines = f"{ID},ada@example.com,\n{ID.upper()},eve@example.com,\n"
    moved = await move_in("id,email,password_hash\n" + lines)
    assert moved.refused == [RefusedLine(3, "eve@example.com", "id", "is that of line 2 as well")]


async def test_an_account_that_is_there_under_another_id_keeps_it(
    move_in: Any, records: Any
) -> None:
    await move_in(HEADER + ADA)
    before = await records()
    moved = await move_in(f"id,email,password_hash\n{ID},ada@example.com,\n")
    assert moved.counts == (0, 1, 0)
    assert await records() == before


# --- Dry runs ---


@pytest.mark.usefixtures("small_batches")
async def test_a_dry_run_tells_the_same_and_writes_nothing(move_in: Any, records: Any) -> None:
    await move_in(HEADER + BOB)
    before = await records()
    text = (
        HEADER
        + ADA
        + BOB
        + "eve@example.com,nonsense,,,\nmia@example.com,,,,\nMIA@example.com,,,,\n"
    )
    dry = await move_in(text, dry_run=True)
    assert await records() == before
    assert dry.counts == (2, 1, 2)
    assert dry.total("administrators") == 1
    real = await move_in(text)
    assert (real.counts, real.refused) == (dry.counts, dry.refused)
    assert real.batches == dry.batches


# --- Interruptions ---


@pytest.mark.usefixtures("small_batches")
async def test_what_was_read_before_the_file_broke_is_stored_batch_by_batch_and_a_repeat_goes_on(
    move_in: Any, records: Any
) -> None:
    lines = [f"user{number}@example.com,{HASH},,,\n" for number in range(4)]
    with pytest.raises(UnreadableFileError, match="line 5"):
        await move_in(HEADER + "".join(lines[:3]) + '"broken' + lines[3])
    assert set(await records()) == {"user0@example.com", "user1@example.com"}
    assert (await move_in(HEADER + "".join(lines))).counts == (2, 2, 0)


@pytest.mark.usefixtures("small_batches")
async def test_a_batch_whose_transaction_fails_leaves_nothing_of_it(
    user_import: UserImport, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_service.users import repository

    add_records = repository.add_records

    async def fail_after_the_second(db: Any, wanted: Any) -> set[UUID]:
        added = await add_records(db, wanted)
        if any(record.email_key.startswith("user3") for record in wanted):
            raise RuntimeError("power cut")
        return added

    monkeypatch.setattr(repository, "add_records", fail_after_the_second)

    def lines() -> Iterator[FoundRecord]:
        for number in range(5):
            yield FoundRecord(number, {"email": f"user{number}@example.com"})

    with pytest.raises(RuntimeError, match="power cut"):
        _ = [settled async for settled in user_import.run(lines())]
    assert set(await records()) == {"user0@example.com", "user1@example.com"}


async def test_nothing_is_imported_from_nothing(move_in: Any) -> None:
    assert (await move_in("", Format.JSONL)).batches == []
    assert (await move_in(HEADER)).batches == []


async def test_an_imported_account_may_be_disabled(
    move_in: Any, records: Any, client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    await move_in(f"email,password_hash,disabled\nada@example.com,{HASH},t\n")
    assert (await client.post("/auth/login", json=credentials)).status_code == 401
    ada = (await records())["ada@example.com"]
    assert ada == replace(ada, password_hash=HASH, last_login_at=None)


# --- Addresses that are kept for their owners ---


@pytest.mark.parametrize("dry_run", [False, True])
async def test_an_address_that_an_undo_link_reserves_is_refused(
    app: FastAPI, move_in: Any, records: Any, client: httpx.AsyncClient, *, dry_run: bool
) -> None:
    ada = await (await Person(client).register()).log_in()
    await change(app, ada)
    moved = await move_in(HEADER + ADA + BOB, dry_run=dry_run)
    assert moved.counts == (1, 0, 1)
    [refused] = moved.refused
    assert (refused.line, refused.field) == (2, "email")
    assert refused.reason.startswith("is reserved")
    assert "ada@example.com" not in await records()
