"""`auth-service audit`: verified and exported from the command line."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from auth_service.db.engine import new_engine
from auth_service.settings import Settings
from tests.cli.command_line import CommandLine
from tests.cli.test_users import ADA, created
from tests.conftest import SECRET, settings_for


def seal(command: CommandLine) -> None:
    """Seal what there is, as a worker does."""

    async def do() -> None:
        from auth_service.app import create_app

        settings = settings_for(
            command.settings["AUTH_DATABASE_URL"],
            secret_keys=[command.settings.get("AUTH_SECRET_KEYS", SECRET)],
        )
        state = create_app(settings).state
        await state.audit_sealer.seal_all()
        await state.database.close()

    asyncio.run(do())


def execute(command: CommandLine, statement: str) -> None:
    async def do() -> None:
        url = command.settings["AUTH_DATABASE_URL"]
        engine = new_engine(Settings(database_url=url, secret_keys=[SECRET]))
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(do())


def test_a_whole_record_is_verified_and_its_head_printed(command_on_each: CommandLine) -> None:
    assert "none yet" in command_on_each.succeed("audit", "verify")
    created(command_on_each)
    seal(command_on_each)
    document = json.loads(command_on_each.succeed("audit", "verify", "--json"))
    assert (document["checked"], document["first"], document["problems"]) == (1, 1, [])
    assert document["head"].startswith("1:")
    command_on_each.succeed("audit", "verify", "--expect", document["head"])


def test_what_waits_for_a_worker_is_counted_and_no_problem(command: CommandLine) -> None:
    created(command)
    assert command.succeed("audit", "verify").splitlines() == [
        "0 sealed events, head none yet",
        "1 more wait for a worker to seal them",
    ]
    assert json.loads(command.succeed("audit", "verify", "--json"))["unsealed"] == 1


def test_tampering_is_named_and_fails(command: CommandLine) -> None:
    created(command)
    seal(command)
    execute(command, "UPDATE audit_events SET outcome = 'failure'")
    done = command.run("audit", "verify")
    assert done.returncode == 1
    assert "changed or moved" in done.stdout
    assert done.stderr == "auth-service: the record was tampered with: 1 problem\n"


def test_a_head_that_is_gone_fails(command: CommandLine) -> None:
    done = command.run("audit", "verify", "--expect", f"7:{'00' * 32}", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["position"] == 7


@pytest.mark.parametrize("head", ["", "7", "x:00", "7:xyz"])
def test_what_is_no_head_is_refused(command: CommandLine, head: str) -> None:
    assert "POSITION:SEAL" in command.fail("audit", "verify", "--expect", head)


def test_events_are_exported_a_line_each(command_on_each: CommandLine) -> None:
    created(command_on_each)
    created(command_on_each, "bob@example.com")
    lines = command_on_each.succeed("audit", "export").splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["action"] for event in events] == ["user.registered"] * 2
    assert events[0]["id"] < events[1]["id"]
    assert events[0]["at"].endswith("Z")
    assert command_on_each.succeed("audit", "export", "--after", "2100-01-01") == ""
    assert command_on_each.succeed("audit", "export", "--before", "2000-01-01") == ""


def test_a_file_is_private_and_never_replaced_unasked(command: CommandLine, tmp_path: Path) -> None:
    created(command)
    file = tmp_path / "events.ndjson"
    assert command.succeed("audit", "export", "--output", str(file)) == f"1 events in {file}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert command.fail("audit", "export", "--output", str(file))
    command.succeed("audit", "export", "--output", str(file), "--force")
    assert json.loads(file.read_text())["action"] == "user.registered"
    assert ADA not in file.read_text()
