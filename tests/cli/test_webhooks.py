"""`auth-service webhooks`."""

import json

import pytest

from tests.cli.command_line import CommandLine

URL = "https://example.com/hooks"


def test_an_endpoint_is_made_listed_tried_and_deleted(command_on_each: CommandLine) -> None:
    done = command_on_each.run("webhooks", "create", URL, "--event", "user.created", "--json")
    [made] = json.loads(done.stdout)
    assert made["secret"].startswith("whsec_")
    assert "not shown again" in done.stderr
    [listed] = json.loads(command_on_each.succeed("webhooks", "list", "--json"))
    assert (listed["url"], listed["events"]) == (URL, ["user.created"])
    assert "secret" not in listed
    command_on_each.succeed("webhooks", "test", made["id"])
    command_on_each.succeed("webhooks", "delete", made["id"])
    assert json.loads(command_on_each.succeed("webhooks", "list", "--json")) == []


@pytest.mark.parametrize("verb", ["test", "delete"])
@pytest.mark.parametrize("webhook_id", ["x", "019b17d7-0dac-7549-bd4f-3506907d1583"])
def test_what_is_no_endpoint_is_said_to_be_none(
    command: CommandLine, verb: str, webhook_id: str
) -> None:
    assert command.fail("webhooks", verb, webhook_id) == "There is no such webhook"


def test_where_nothing_may_be_sent_no_endpoint_is_made(command: CommandLine) -> None:
    assert command.fail("webhooks", "create", "http://example.com") == "The URL must be https."
