"""`auth-service users show`, `roles`, `unlock` and so on: what is done to one account."""

import json
from typing import Any

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.test_users import ADA, created, listed

ROOT = "root@example.com"


def shown(command: CommandLine, email: str = ADA) -> dict[str, Any]:
    (row,) = json.loads(command.succeed("users", "show", email, "--json"))
    found: dict[str, Any] = row
    return found


def test_an_account_is_shown(command_on_each: CommandLine) -> None:
    row = created(command_on_each)
    assert shown(command_on_each, "ADA@example.com") == row | {"locked": False}


def test_roles_are_given_and_taken(command_on_each: CommandLine) -> None:
    created(command_on_each)
    command_on_each.succeed("users", "roles", ADA, "--add", "editor", "--add", "admin")
    assert shown(command_on_each)["roles"] == ["user", "editor", "admin"]
    created(command_on_each, ROOT, "--role", "admin")
    output = command_on_each.succeed(
        "users", "roles", ADA, "--remove", "admin", "--remove", "user", "--json"
    )
    assert json.loads(output)[0]["roles"] == ["editor"]


@pytest.mark.parametrize("options", [(), ("--add", "Not A Role")])
def test_roles_that_are_none_are_refused(command: CommandLine, options: tuple[str, ...]) -> None:
    created(command)
    assert command.fail("users", "roles", ADA, *options)
    assert shown(command)["roles"] == ["user"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("disable", ROOT),
        ("disable", ROOT, "--until", "2100-01-01"),
        ("roles", ROOT, "--remove", "admin"),
        ("delete", ROOT, "--yes"),
    ],
)
def test_the_last_administrator_stays_one(
    command_on_each: CommandLine, arguments: tuple[str, ...]
) -> None:
    row = created(command_on_each, ROOT, "--role", "admin")
    assert "last administrator" in command_on_each.fail("users", *arguments).lower()
    assert listed(command_on_each) == [row]


def test_a_reset_and_an_unlock_name_their_account(command_on_each: CommandLine) -> None:
    created(command_on_each)
    command_on_each.succeed("users", "reset-password", ADA)
    command_on_each.succeed("users", "unlock", ADA)
    for name in ("show", "reset-password", "unlock"):
        assert command_on_each.fail("users", name, "nobody@example.com") == "There is no such user"
        assert command_on_each.fail("users", name, "no address")


def test_an_account_is_deleted_when_that_is_confirmed(command_on_each: CommandLine) -> None:
    created(command_on_each)
    assert command_on_each.run("users", "delete", ADA, stdin="n\n").returncode == 1
    assert len(listed(command_on_each)) == 1
    assert command_on_each.run("users", "delete", ADA, stdin="y\n").returncode == 0
    assert listed(command_on_each) == []


def test_sessions_are_ended_of_one_or_of_everybody(command: CommandLine) -> None:
    created(command)
    assert command.succeed("users", "end-sessions", "ada@example.com") == ""
    assert command.succeed("users", "end-sessions", "--everybody") == ""
    for arguments in ((), ("ada@example.com", "--everybody")):
        told = command.fail("users", "end-sessions", *arguments)
        assert told == "name an address, or --everybody"


def test_times_outside_the_calendar_are_refused(command: CommandLine) -> None:
    created(command)
    told = command.fail("users", "disable", ADA, "--until", "0001-01-01")
    assert told == "The time has to be between 1970 and 9999."
    told = command.fail("users", "disable", ADA, "--until", "2001-01-01")
    assert told == "The time is past: it would disable nothing."
    told = command.fail("audit", "export", "--after", "0001-01-01")
    assert told == "the time is not between 1970 and 9999"
