"""`auth-service clients`."""

import asyncio
import json
import os
from typing import Any

import httpx
import pytest

from auth_service.app import create_app
from auth_service.cli import clients
from tests.cli.command_line import CommandLine
from tests.conftest import client_of, settings_for

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"
SHOWN_ONCE = "The secret is not shown again.\n"


def with_secret(command: CommandLine, *arguments: str) -> dict[str, Any]:
    """The client of a command that shows a secret."""
    done = command.run("clients", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, SHOWN_ONCE)
    (row,) = json.loads(done.stdout)
    found: dict[str, Any] = row
    return found


def created(command: CommandLine, name: str = "orders", *options: str) -> dict[str, Any]:
    return with_secret(command, "create", name, *options)


def listed(command: CommandLine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(command.succeed("clients", "list", "--json"))
    return rows


def token_request(command: CommandLine, client_id: str, secret: str) -> httpx.Response:
    """What the service itself answers a client with this secret."""

    async def ask() -> httpx.Response:
        app = create_app(settings_for(command.settings["AUTH_DATABASE_URL"]))
        form = {"grant_type": "client_credentials"}
        async with app.router.lifespan_context(app), client_of(app) as http:
            return await http.post("/oauth/token", data=form, auth=(client_id, secret))

    return asyncio.run(ask())


def is_good(command: CommandLine, made: dict[str, Any], secret: str) -> bool:
    return token_request(command, made["id"], secret).status_code == 200


# --- Creating ---


def test_a_client_is_made_and_its_secret_shown_and_good(command_on_each: CommandLine) -> None:
    made = created(command_on_each, "orders", "--scope", "orders:read", "--scope=orders:write")
    assert list(made) == ["id", "name", "scopes", "secret"]
    assert (made["name"], made["scopes"]) == ("orders", ["orders:read", "orders:write"])
    answer = token_request(command_on_each, made["id"], made["secret"])
    assert answer.json()["scope"] == "orders:read orders:write"


def test_the_table_says_that_the_secret_is_not_shown_again(command: CommandLine) -> None:
    heading, line, last = command.succeed("clients", "create", "orders").splitlines(keepends=True)
    assert heading.split() == ["id", "name", "scopes", "secret"]
    assert line.split()[1:3] == ["orders", "-"]
    assert line.split()[3].startswith("cs_")
    assert last == SHOWN_ONCE


def test_a_scope_stands_once_however_often_it_was_named(command: CommandLine) -> None:
    made = created(command, "orders", "--scope", "b", "--scope", "a", "--scope", "b")
    assert made["scopes"] == ["b", "a"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines", "\x1b[31mred", "a\udcffb"])
def test_a_name_that_is_none_makes_no_client(command_on_each: CommandLine, name: str) -> None:
    reason = command_on_each.fail("clients", "create", name)
    assert reason == "A name is 1 to 100 printable characters."
    assert listed(command_on_each) == []


def test_a_name_that_is_no_text_makes_no_client(command: CommandLine) -> None:
    reason = command.as_process().fail("clients", "create", os.fsdecode(b"\xff\xfe"))
    assert reason == "A name is 1 to 100 printable characters."


@pytest.mark.parametrize("scope", ["", "two words", 'a"b', "größe", "x" * 65, "a\nb"])
def test_a_scope_that_is_none_makes_no_client(command: CommandLine, scope: str) -> None:
    reason = command.fail("clients", "create", "orders", "--scope=ok", f"--scope={scope}")
    assert reason.startswith("A client has at most 50 scopes")
    assert listed(command) == []


def test_a_client_without_a_name_is_a_mistake(command: CommandLine) -> None:
    assert command.run("clients", "create").returncode == 2


# --- Listing ---


def test_a_client_is_listed_without_its_secret(command_on_each: CommandLine) -> None:
    made = created(command_on_each, "orders", "--scope", "orders:read")
    (row,) = listed(command_on_each)
    assert row["created_at"] == row["secret_changed_at"]
    assert row["created_at"].endswith("Z")
    assert row == {
        "id": made["id"],
        "name": "orders",
        "scopes": ["orders:read"],
        "created_at": row["created_at"],
        "secret_changed_at": row["created_at"],
        "has_previous_secret": False,
    }


def test_the_table_shows_the_same(command: CommandLine) -> None:
    created(command, "orders", "--scope", "a", "--scope", "b")
    (row,) = listed(command)
    heading, line = command.succeed("clients", "list").splitlines()
    assert heading.split() == list(row)
    assert line.split() == [
        row["id"],
        "orders",
        "a,b",
        row["created_at"],
        row["created_at"],
        "False",
    ]


def test_no_clients_are_an_empty_array_and_an_empty_table(command: CommandLine) -> None:
    assert listed(command) == []
    assert command.succeed("clients", "list") == ""


def test_listing_goes_on_past_the_first_page(
    command_on_each: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_PAGE", 2)
    names = ["zoe", "ada", "mia", "zoe", "bob"]
    for name in names:
        created(command_on_each, name)
    assert [row["name"] for row in listed(command_on_each)] == names


# --- A new secret ---


def test_after_a_change_both_secrets_are_good(command_on_each: CommandLine) -> None:
    made = created(command_on_each)
    changed = with_secret(command_on_each, "secret", made["id"])
    assert changed == made | {"secret": changed["secret"]}
    assert is_good(command_on_each, made, made["secret"])
    assert is_good(command_on_each, made, changed["secret"])
    (row,) = listed(command_on_each)
    assert row["has_previous_secret"] is True


def test_older_secrets_can_be_ended_at_once(command_on_each: CommandLine) -> None:
    made = created(command_on_each)
    second = with_secret(command_on_each, "secret", "orders")
    third = with_secret(command_on_each, "secret", "orders", "--end-previous")
    secrets = [row["secret"] for row in (made, second, third)]
    assert [is_good(command_on_each, made, one) for one in secrets] == [False, False, True]


def test_the_table_of_a_new_secret_says_that_it_is_not_shown_again(command: CommandLine) -> None:
    created(command)
    _, line, last = command.succeed("clients", "secret", "orders").splitlines(keepends=True)
    assert line.split()[3].startswith("cs_")
    assert last == SHOWN_ONCE


# --- Revoking ---


def test_a_revoked_client_is_shown_a_last_time_and_gone(command_on_each: CommandLine) -> None:
    made, other = created(command_on_each), created(command_on_each, "shipping")
    (row, left) = listed(command_on_each)
    assert json.loads(command_on_each.succeed("clients", "revoke", "orders", "--json")) == [row]
    assert listed(command_on_each) == [left]
    refused = token_request(command_on_each, made["id"], made["secret"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert is_good(command_on_each, other, other["secret"])


def test_the_table_of_what_was_revoked_names_it(command: CommandLine) -> None:
    made = created(command)
    assert made["id"] in command.succeed("clients", "revoke", made["id"])


# --- Which client ---

ABOUT_ONE = ["secret", "revoke"]


@pytest.mark.parametrize("verb", ABOUT_ONE)
@pytest.mark.parametrize("client", [NOBODY, "nobody", "", "ORDERS", "\x1b", "a\udcffb", "x" * 5000])
def test_an_unknown_client_is_named_as_such(
    command_on_each: CommandLine, verb: str, client: str
) -> None:
    created(command_on_each)
    before = listed(command_on_each)
    assert command_on_each.fail("clients", verb, client) == "There is no such client"
    assert listed(command_on_each) == before


@pytest.mark.parametrize("verb", ABOUT_ONE)
def test_a_name_that_several_share_is_refused_and_nothing_done(
    command_on_each: CommandLine, verb: str
) -> None:
    for name in ("orders", "orders", "shipping"):
        created(command_on_each, name)
    before = listed(command_on_each)
    reason = command_on_each.fail("clients", verb, "orders")
    assert reason == "2 clients have this name: use the id"
    assert listed(command_on_each) == before


def test_one_of_several_of_a_name_is_revoked_by_its_id(command: CommandLine) -> None:
    made = [created(command)["id"] for _ in range(2)]
    command.succeed("clients", "revoke", made[0])
    assert [row["id"] for row in listed(command)] == made[1:]
