"""`auth-service users`."""

import json
import os
import pty
import select
import subprocess
import sys
from typing import Any

import pytest

from auth_service.admin import service as administration
from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from tests.cli.command_line import CommandLine
from tests.conftest import PASSWORD

ADA = "ada@example.com"


def created(command: CommandLine, email: str = ADA, *options: str) -> dict[str, Any]:
    output = command.succeed("users", "create", email, "--json", *options, stdin=PASSWORD + "\n")
    (row,) = json.loads(output)
    found: dict[str, Any] = row
    return found


def listed(command: CommandLine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(command.succeed("users", "list", "--json"))
    return rows


def test_an_account_is_made_and_shown(command_on_each: CommandLine) -> None:
    row = created(command_on_each)
    assert row["email"] == ADA
    assert row["roles"] == ["user"]
    assert row["email_verified"] is False
    assert row["created_at"].endswith("Z")
    assert [row["last_login_at"], row["disabled_at"], row["disabled_until"]] == [None, None, None]
    assert listed(command_on_each) == [row]


def test_roles_come_on_top_of_user_and_once(command_on_each: CommandLine) -> None:
    options = ("--role", "admin", "--role", "user", "--role", "admin", "--role", "billing:read")
    assert created(command_on_each, ADA, *options)["roles"] == ["user", "admin", "billing:read"]


def test_an_address_can_be_declared_verified(command: CommandLine) -> None:
    assert created(command, ADA, "--verified")["email_verified"] is True


def test_the_table_shows_roles_and_what_is_missing(command: CommandLine) -> None:
    row = created(command, ADA, "--role", "admin")
    heading, line = command.succeed("users", "list").splitlines()
    assert heading.split() == list(row)
    assert line.split() == [row["id"], ADA, "False", "user,admin", row["created_at"], *"---"]


def test_nothing_that_is_shown_holds_the_password(command: CommandLine) -> None:
    output = command.succeed("users", "create", ADA, stdin=PASSWORD)
    assert PASSWORD not in output + command.succeed("users", "list")


def test_accounts_are_listed_in_the_order_they_were_made(
    command: CommandLine,
) -> None:
    for name in ("zoe", "ada", "mia"):
        created(command, f"{name}@example.com")
    assert [row["email"].partition("@")[0] for row in listed(command)] == ["zoe", "ada", "mia"]


async def test_listing_goes_on_past_the_first_page(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(administration, "_PAGE", 2)
    names = [f"user{number}@example.com" for number in range(5)]
    for name in names:
        async with app.state.database.transaction() as db:
            await app.state.registrations.create(
                db, Email.parse(name), PASSWORD, client=ClientInfo()
            )
    async with app.state.database.transaction() as db:
        found = [account.email async for account in app.state.user_administration.list_all(db)]
    assert found == names


def test_a_taken_address_is_refused_in_any_spelling(command_on_each: CommandLine) -> None:
    first = created(command_on_each)
    reason = command_on_each.fail("users", "create", "ADA@Example.com", stdin=PASSWORD)
    assert reason == "An account with this address exists"
    assert listed(command_on_each) == [first]


@pytest.mark.parametrize("password", ["short", "password", ADA])
def test_a_weak_password_makes_no_account(command: CommandLine, password: str) -> None:
    assert "password" in command.fail("users", "create", ADA, stdin=password)
    assert listed(command) == []


def test_a_text_that_is_no_address_makes_no_account(command: CommandLine) -> None:
    reason = command.fail("users", "create", "no address", stdin=PASSWORD)
    assert reason == "This is not a valid e-mail address."
    assert listed(command) == []


BAD_INPUT = {
    "nothing": (b"", "no password on standard input"),
    "an empty line": (b"\n" + PASSWORD.encode(), "no password on standard input"),
    "no UTF-8": (b"correct horse \xff\n", "the password on standard input is not UTF-8"),
    "a NUL": (b"correct horse \0battery\n", "a password must not hold U+0000"),
}


@pytest.mark.parametrize(("stdin", "reason"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_input_that_is_no_password_makes_no_account(
    command: CommandLine, stdin: bytes, reason: str
) -> None:
    assert command.fail("users", "create", ADA, stdin=stdin) == reason
    assert listed(command) == []


@pytest.mark.parametrize("role", ["", "two words", "a,b", "-x", "r" * 65, "line\nfeed"])
def test_a_role_that_a_list_could_not_hold_makes_no_account(
    command: CommandLine, role: str
) -> None:
    assert command.fail("users", "create", ADA, f"--role={role}", stdin=PASSWORD).startswith(
        "A role"
    )
    assert listed(command) == []


def test_a_password_may_have_any_letters_and_spaces(command: CommandLine) -> None:
    command.succeed("users", "create", ADA, stdin=" pässwörd mit Leerzeichen 🐎 \r\n")


def test_disabling_shows_since_when(command_on_each: CommandLine) -> None:
    created(command_on_each)
    (row,) = json.loads(command_on_each.succeed("users", "disable", ADA, "--json"))
    assert row["disabled_at"] is not None
    assert row["disabled_until"] is None
    assert listed(command_on_each) == [row]


@pytest.mark.parametrize("until", ["2031-05-06", "2031-05-06T00:00:00Z"])
def test_disabling_may_end_by_itself(command_on_each: CommandLine, until: str) -> None:
    created(command_on_each)
    (row,) = json.loads(
        command_on_each.succeed("users", "disable", ADA, "--until", until, "--json")
    )
    assert row["disabled_until"] == "2031-05-06T00:00:00Z"


def test_a_time_that_is_none_disables_nobody(command: CommandLine) -> None:
    row = created(command)
    assert command.run("users", "disable", ADA, "--until", "tomorrow").returncode == 2
    assert listed(command) == [row]


def test_enabling_undoes_disabling(command_on_each: CommandLine) -> None:
    row = created(command_on_each)
    command_on_each.succeed("users", "disable", ADA, "--until", "2031-05-06")
    assert json.loads(command_on_each.succeed("users", "enable", ADA, "--json")) == [row]


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_an_unknown_address_is_named_as_such(command: CommandLine, verb: str) -> None:
    assert command.fail("users", verb, ADA) == "There is no such user"


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_what_is_no_address_can_be_neither(command: CommandLine, verb: str) -> None:
    assert command.fail("users", verb, "ada") == "This is not a valid e-mail address."


def _read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen


def test_in_a_terminal_the_password_is_asked_for_twice_and_never_shown(
    command: CommandLine,
) -> None:
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "auth_service", "users", "create", ADA],
            cwd=command.folder,
            env=command.environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            screen = _read_until(ours, b"Password: ")
            os.write(ours, PASSWORD.encode() + b"\n")
            screen += _read_until(ours, b"Repeat for confirmation: ")
            os.write(ours, PASSWORD.encode() + b"\n")
            screen += _read_until(ours, b"user")
            assert process.wait(30) == 0
    finally:
        os.close(ours)
        os.close(theirs)
    assert PASSWORD.encode() not in screen
    assert listed(command)[0]["email"] == ADA
