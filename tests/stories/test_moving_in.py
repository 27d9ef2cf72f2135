"""The recipes of docs/moving-in.md, run line by line; then people log in as they always did."""

import asyncio
import hashlib
import os
import re
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from auth_service.core.passwords import PasswordHash
from auth_service.db.session import Database
from auth_service.users import repository
from auth_service.users.account import AccountRecord
from tests.conftest import SECRET, migrated, missing, new_postgresql_database, settings_for
from tests.running_server import NewServer

RECIPES = Path(__file__).parent.parent.parent / "docs" / "moving-in.md"
PASSWORD = "Grüße, Welt 123"
IDS = [f"8c1e2c1e-9d0a-4a5b-8f3e-00000000000{number}" for number in range(3)]


def werkzeug_scrypt(password: str) -> str:
    """As werkzeug's generate_password_hash writes it."""
    n, r, p, salt = 1024, 8, 1, "uOewriAFBgtx7OZv"
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p)
    return f"scrypt:{n}:{r}:{p}${salt}${key.hex()}"


def werkzeug_pbkdf2(password: str) -> str:
    """Likewise, as older versions wrote it."""
    salt, iterations = "chWYkapbnEhsPBQD", 1000
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2:sha256:{iterations}${salt}${key.hex()}"


# PASSWORD, hashed by argon2-cffi and by Django themselves.
ARGON2ID = (
    "$argon2id$v=19$m=256,t=1,p=1$OxiC/b406neiP5QZF9EHhg"
    "$ELfFKPmoFXI6KEgajFxG+AEecoVmWpaIxx6xs2dbTY4"
)
BCRYPT = "$2b$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi"
DJANGO = "pbkdf2_sha256$1000$abcDEF123456ghijKLMNOP$SuvJRBkF9TaqI13htNp5v5luZU1IHSd3Y0vmZQCthUE="

FLASK_ROWS = [
    (1, "root@example.com", werkzeug_scrypt(PASSWORD), "admin", "2023-01-02 03:04:05.678901"),
    (2, "Ada@example.com", werkzeug_pbkdf2(PASSWORD), "user", "2024-05-06 07:08:09.120000"),
    (3, "bob@example.com", BCRYPT, "user", "2024-05-06 07:08:09"),
]
FLASK_ON_POSTGRESQL = """
    CREATE TABLE "user" (id serial PRIMARY KEY, email varchar(120) UNIQUE NOT NULL,
        password_hash varchar(255) NOT NULL, role varchar(20), created_at timestamp)
"""
FASTAPI_USERS = """
    CREATE TABLE "user" (id uuid PRIMARY KEY, email varchar(320) NOT NULL,
        hashed_password varchar(1024) NOT NULL, is_active boolean NOT NULL,
        is_superuser boolean NOT NULL, is_verified boolean NOT NULL)
"""
DJANGO_TABLE = """
    CREATE TABLE auth_user (id serial PRIMARY KEY, password varchar(128) NOT NULL,
        last_login timestamptz, is_superuser boolean NOT NULL, username varchar(150) NOT NULL,
        email varchar(254) NOT NULL, is_active boolean NOT NULL, date_joined timestamptz NOT NULL)
"""


def steps(heading: str) -> Iterator[tuple[str, str]]:
    """Each command below a heading with the output shown for it; lines set in belong to it."""
    text = RECIPES.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        first, *others = step.splitlines()
        command = [first]
        while others and others[0].startswith("    "):
            command.append(others.pop(0))
        yield "\n".join(command), "\n".join(others)


async def follow(heading: str, folder: Path, database_url: str, **settings: str) -> None:
    """Run the commands below a heading; each has to print what is shown."""
    environment = {name: value for name, value in os.environ.items() if name[:5] != "AUTH_"}
    environment |= {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": database_url,
        "AUTH_SECRET_KEYS": SECRET,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    } | settings
    mark = "=== end of step ==="
    script = "".join(f"{command}\nprintf '%s\\n' '{mark}'\n" for command, _ in steps(heading))
    shell = await asyncio.create_subprocess_exec(
        "bash", stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=folder, env=environment
    )
    printed, complaints = await shell.communicate(script.encode())
    assert complaints.decode() == ""
    outputs = [output.strip() for output in printed.decode().split(mark)[:-1]]
    assert outputs == [shown for _, shown in steps(heading)]


@pytest.fixture
def old_database() -> Iterator[str]:
    """The database of the service that people come from, on PostgreSQL."""
    with new_postgresql_database(f"auth_old_{os.getpid()}") as url:
        yield url


async def fill(url: str, *statements: str) -> None:
    connection: Any = await asyncpg.connect(url)  # type: ignore[no-untyped-call]
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def insertion(table: str, rows: Sequence[tuple[object, ...]]) -> str:
    literals = (", ".join("NULL" if one is None else f"'{one}'" for one in row) for row in rows)
    values = ", ".join(f"({row})" for row in literals)
    return f"INSERT INTO {table} VALUES {values}"  # noqa: S608 - rows of this test


async def stored(database_url: str) -> dict[str, AccountRecord]:
    database = Database.from_settings(settings_for(database_url))
    try:
        found = await repository.list_records(database, after=None, limit=100)
    finally:
        await database.close()
    return {record.email_key: record for record in found}


async def log_in(new_server: NewServer, *addresses: str, status: int = 200) -> None:
    async with new_server() as server, server.client() as http:
        for address in addresses:
            body = {"email": address, "password": PASSWORD}
            answer = await http.post("/auth/login", json=body)
            assert answer.status_code == status, answer.text


def needs(program: str) -> None:
    if shutil.which(program) is None:
        missing(program)


async def test_people_of_the_flask_service_on_sqlite_log_in_as_before_and_get_a_hash_of_today(
    new_server: NewServer, database_url: str, tmp_path: Path
) -> None:
    needs("sqlite3")
    (tmp_path / "instance").mkdir()
    old = sqlite3.connect(tmp_path / "instance" / "app.db")
    old.execute(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, "
        "password_hash VARCHAR(255) NOT NULL, role VARCHAR(20), created_at DATETIME)"
    )
    old.executemany("INSERT INTO user VALUES (?, ?, ?, ?, ?)", FLASK_ROWS)
    old.commit()
    old.close()

    await follow("From the Flask service, on SQLite", tmp_path, database_url)

    found = await stored(database_url)
    assert found["root@example.com"].roles == ["user", "admin"]
    assert found["ada@example.com"].roles == ["user"]
    assert found["ada@example.com"].password_hash == FLASK_ROWS[1][2]
    made = [found[f"{name}@example.com"].created_at.isoformat() for name in ("root", "ada")]
    assert made == ["2023-01-02T03:04:05.678901+00:00", "2024-05-06T07:08:09.120000+00:00"]
    await log_in(new_server, "root@example.com", "ada@example.com", "bob@example.com")
    for record in (await stored(database_url)).values():
        assert str(record.password_hash).startswith("$bcrypt-sha256$")
    await log_in(new_server, "root@example.com", "ada@example.com", "bob@example.com")


@pytest.mark.postgresql
async def test_people_of_the_flask_service_on_postgresql_log_in_as_before(
    new_server: NewServer, database_url: str, old_database: str, tmp_path: Path
) -> None:
    needs("psql")
    await fill(old_database, FLASK_ON_POSTGRESQL, insertion('"user"', FLASK_ROWS))

    await follow(
        "From the Flask service, on PostgreSQL", tmp_path, database_url, OLD_DATABASE=old_database
    )

    ada = (await stored(database_url))["ada@example.com"]
    assert ada.created_at.isoformat() == "2024-05-06T07:08:09.120000+00:00"
    await log_in(new_server, "root@example.com", "ada@example.com", "bob@example.com")


@pytest.mark.postgresql
async def test_people_of_fastapi_users_keep_their_ids(
    new_server: NewServer, database_url: str, old_database: str, tmp_path: Path
) -> None:
    needs("psql")
    rows = [
        (IDS[0], "root@example.com", ARGON2ID, "t", "t", "t"),
        (IDS[1], "ada@example.com", BCRYPT, "t", "f", "f"),
        (IDS[2], "eve@example.com", ARGON2ID, "f", "f", "f"),
    ]
    await fill(old_database, FASTAPI_USERS, insertion('"user"', rows))

    await follow("From fastapi-users", tmp_path, database_url, OLD_DATABASE=old_database)

    found = await stored(database_url)
    assert [found[f"{name}@example.com"].id for name in ("root", "ada", "eve")] == [*map(UUID, IDS)]
    assert found["root@example.com"].email_verified
    assert not found["ada@example.com"].email_verified
    await log_in(new_server, "root@example.com", "ada@example.com")
    await log_in(new_server, "eve@example.com", status=401)


@pytest.mark.postgresql
async def test_people_of_django_log_in_by_their_address(
    new_server: NewServer, database_url: str, old_database: str, tmp_path: Path
) -> None:
    needs("psql")
    joined, seen = "2023-01-02 03:04:05.678+02", "2024-05-06 07:08:09+00"
    rows = [
        (1, DJANGO, seen, "t", "root", "root@example.com", "t", joined),
        (2, f"bcrypt${BCRYPT}", None, "f", "ada", "Ada@example.com", "t", joined),
        (3, "!unusable", None, "f", "bob", "bob@example.com", "t", joined),
        (4, DJANGO, seen, "f", "cron", "", "t", joined),
    ]
    await fill(old_database, DJANGO_TABLE, insertion("auth_user", rows))

    await follow("From Django", tmp_path, database_url, OLD_DATABASE=old_database)

    found = await stored(database_url)
    assert found["bob@example.com"].password_hash is None
    root = found["root@example.com"]
    assert root.created_at.isoformat() == "2023-01-02T01:04:05.678000+00:00"
    assert str(root.last_login_at) == seen + ":00"
    await log_in(new_server, "root@example.com", "ada@example.com")
    await log_in(new_server, "bob@example.com", status=401)


async def test_accounts_move_from_one_database_of_this_service_to_another(
    database_url: str, tmp_path: Path
) -> None:
    old = Database.from_settings(settings_for(database_url))
    records = [_record(number) for number in range(3)]
    async with old.transaction() as db:
        await repository.add_records(db, records)
    await old.close()
    new_url = f"sqlite+aiosqlite:///{tmp_path}/new.db"
    await asyncio.to_thread(lambda: asyncio.run(migrated(new_url)))

    await follow("From one auth_service to another", tmp_path, database_url, NEW_DATABASE=new_url)

    assert await stored(new_url) == {record.email_key: record for record in records}


def _record(number: int) -> AccountRecord:
    moment = datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=UTC)
    return AccountRecord(
        id=UUID(IDS[number]),
        email=f"User{number}@example.com",
        email_key=f"user{number}@example.com",
        email_verified=number == 1,
        password_hash=PasswordHash(BCRYPT) if number else None,
        roles=["user", "admin"] if number == 1 else ["user"],
        created_at=moment,
        last_login_at=moment if number else None,
        disabled_at=moment if number == 2 else None,
        disabled_until=None,
    )
