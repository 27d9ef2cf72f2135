"""`auth-service keys`."""

import json
from datetime import datetime, timedelta

from tests.cli.command_line import CommandLine
from tests.running_server import serving


def test_a_key_is_listed_with_its_state_and_nothing_else(command_on_each: CommandLine) -> None:
    command_on_each.succeed("check")
    (key,) = json.loads(command_on_each.succeed("keys", "list", "--json"))
    assert set(key) == {
        *("kid", "algorithm", "state", "created_at", "signs_from", "retired_at"),
        "published_until",
    }
    assert (key["algorithm"], key["state"]) == ("ES256", "active")
    assert key["created_at"] == key["signs_from"]
    assert key["created_at"].endswith("Z")
    assert (key["retired_at"], key["published_until"]) == (None, None)


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


def listed(command: CommandLine) -> dict[str, dict[str, str]]:
    return {key["state"]: key for key in json.loads(command.succeed("keys", "list", "--json"))}


def test_a_rotation_publishes_the_next_key_and_leaves_the_active_one(
    command_on_each: CommandLine,
) -> None:
    command_on_each.succeed("check")
    before = listed(command_on_each)["active"]
    rotated = json.loads(command_on_each.succeed("keys", "rotate", "--json"))
    assert [key["state"] for key in rotated] == ["active", "next"]
    assert listed(command_on_each)["active"] == before
    wait = datetime.fromisoformat(rotated[1]["signs_from"]) - datetime.fromisoformat(
        rotated[1]["created_at"]
    )
    assert wait == timedelta(minutes=6)


def test_rotating_twice_publishes_one_key(command_on_each: CommandLine) -> None:
    command_on_each.succeed("check")
    first = command_on_each.succeed("keys", "rotate")
    assert command_on_each.succeed("keys", "rotate") == first


def test_replacing_now_leaves_one_key_that_is_new(command_on_each: CommandLine) -> None:
    command_on_each.succeed("check")
    command_on_each.succeed("keys", "rotate")
    before = {key["kid"] for key in listed(command_on_each).values()}
    (key,) = json.loads(command_on_each.succeed("keys", "rotate", "--now", "--json"))
    assert key["state"] == "active"
    assert key["kid"] not in before
    assert list(listed(command_on_each)) == ["active"]


def test_a_replaced_secret_is_needed_no_longer_after_reencrypting(
    command_on_each: CommandLine,
) -> None:
    old, new = "the-old-secret-" * 3, "the-new-secret-" * 3
    command_on_each.succeed("check", AUTH_SECRET_KEYS=old)
    assert "signing keys in the database" in command_on_each.fail("check", AUTH_SECRET_KEYS=new)
    both = {"AUTH_SECRET_KEYS": f"{new},{old}"}
    changed = json.loads(command_on_each.succeed("keys", "reencrypt", "--json", **both))
    assert changed == [{"what": "signing keys", "reencrypted": 1}]
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


async def test_a_secret_that_is_needed_may_not_leave_unless_it_is_withdrawn(
    command: CommandLine,
) -> None:
    old, new = "the-old-secret-" * 3, "the-new-secret-" * 3
    for secrets in (old, f"{new},{old}"):
        async with serving(command.settings | {"AUTH_SECRET_KEYS": secrets}, folder=command.folder):
            pass
    both = command.with_settings(AUTH_SECRET_KEYS=f"{new},{old}").as_process()
    both.succeed("keys", "reencrypt")
    left = command.with_settings(AUTH_SECRET_KEYS=new).as_process()
    reason = left.fail("check")
    assert "put it back behind a comma until" in reason
    assert left.fail("serve", "--port", "0") == reason
    [use] = [
        use
        for use in json.loads(left.succeed("keys", "secrets", "--json"))
        if not use["configured"]
    ]
    assert f"withdraw-secret {use['fingerprint']}" in reason
    assert "has signed" in left.fail("keys", "withdraw-secret", "00")
    left.succeed("keys", "withdraw-secret", use["fingerprint"])
    left.succeed("check")
