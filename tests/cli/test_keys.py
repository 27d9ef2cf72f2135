"""`auth-service keys`."""

import json

from tests.cli.command_line import CommandLine


def test_a_key_is_listed_with_its_state_and_nothing_else(command_on_each: CommandLine) -> None:
    command_on_each.succeed("check")
    (key,) = json.loads(command_on_each.succeed("keys", "list", "--json"))
    assert set(key) == {"kid", "algorithm", "state", "created_at"}
    assert (key["algorithm"], key["state"]) == ("ES256", "active")
    assert key["created_at"].endswith("Z")


def test_the_table_holds_the_same_key(command: CommandLine) -> None:
    command.succeed("check")
    (key,) = json.loads(command.succeed("keys", "list", "--json"))
    assert key["kid"] in command.succeed("keys", "list")


def test_no_keys_are_an_empty_array(command: CommandLine) -> None:
    assert json.loads(command.succeed("keys", "list", "--json")) == []


def test_no_keys_are_an_empty_table(command: CommandLine) -> None:
    assert command.succeed("keys", "list") == ""


def test_keys_are_listed_even_where_no_secret_opens_them(command: CommandLine) -> None:
    command.succeed("check")
    listed = command.succeed("keys", "list", AUTH_SECRET_KEYS="a secret " * 5)
    assert "active" in listed


def test_a_replaced_secret_is_needed_no_longer_after_reencrypting(
    command_on_each: CommandLine,
) -> None:
    old, new = "the-old-secret-" * 3, "the-new-secret-" * 3
    command_on_each.succeed("check", AUTH_SECRET_KEYS=old)
    assert command_on_each.fail("check", AUTH_SECRET_KEYS=new) == "Not available: signing_key."
    both = {"AUTH_SECRET_KEYS": f"{new},{old}"}
    (changed,) = json.loads(command_on_each.succeed("keys", "reencrypt", "--json", **both))
    assert changed["state"] == "active"
    command_on_each.succeed("check", AUTH_SECRET_KEYS=new)


def test_keys_that_are_current_are_left_alone(command: CommandLine) -> None:
    command.succeed("check")
    assert json.loads(command.succeed("keys", "reencrypt", "--json")) == []
    assert "already" in command.succeed("keys", "reencrypt")


def test_without_the_old_secret_nothing_is_reencrypted(command: CommandLine) -> None:
    command.succeed("check")
    reason = command.fail("keys", "reencrypt", AUTH_SECRET_KEYS="another-secret-" * 3)
    assert reason.startswith("none of AUTH_SECRET_KEYS opens the signing key")
    command.succeed("check")
