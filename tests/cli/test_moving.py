"""`auth-service users import` and `users export`."""

import json
import os
import pty
import select
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from auth_service.admin.moving import importing
from auth_service.admin.moving.seen_lines import SeenLines
from auth_service.cli import import_outcome
from auth_service.cli.private_files import whole_private_file
from auth_service.core.errors import ServiceUnavailable
from tests.cli.command_line import CommandLine, Done

HASH = "$2b$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi"
HEADER = "email,password_hash,roles\n"
TWO = HEADER + f"ada@example.com,{HASH},user admin\nbob@example.com,,\n"


def written(command: CommandLine, text: str | bytes, name: str = "users.csv") -> str:
    path = command.folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def listed(command: CommandLine) -> list[str]:
    rows = json.loads(command.succeed("users", "list", "--json"))
    return [row["email"] for row in rows]


def many(number: int) -> str:
    return HEADER + "".join(f"user{one}@example.com,{HASH},\n" for one in range(number))


def refused(command: CommandLine, *arguments: str) -> Done:
    done = command.run("users", "import", *arguments)
    assert done.returncode == 1
    return done


# --- Importing ---


def test_what_was_done_is_told(command_on_each: CommandLine) -> None:
    file = written(command_on_each, TWO)
    assert command_on_each.succeed("users", "import", file) == (
        "2 imported (1 administrators), 0 already there, 0 refused, of 2\n"
    )
    assert command_on_each.succeed("users", "import", file) == (
        "0 imported, 2 already there, 0 refused, of 2\n"
    )
    assert listed(command_on_each) == ["ada@example.com", "bob@example.com"]


def test_the_counts_can_be_had_as_json(command: CommandLine) -> None:
    output = command.succeed("users", "import", written(command, TWO), "--json")
    assert json.loads(output) == {
        "dry_run": False,
        "finished": True,
        "read": 2,
        "imported": 2,
        "administrators": 1,
        "already_there": 0,
        "refused": 0,
        "line": 3,
    }


def test_a_dry_run_says_what_would_be_and_writes_nothing(command_on_each: CommandLine) -> None:
    file = written(command_on_each, TWO)
    assert command_on_each.succeed("users", "import", "--dry-run", file) == (
        "2 would be imported (1 administrators), 0 already there, 0 refused, of 2\n"
    )
    assert listed(command_on_each) == []


@pytest.mark.parametrize("name", ["users.jsonl", "users.ndjson", "USERS.JSONL"])
def test_json_lines_are_known_by_the_name_of_the_file(command: CommandLine, name: str) -> None:
    line = json.dumps({"email": "ada@example.com", "password_hash": HASH})
    command.succeed("users", "import", written(command, line, name))
    assert listed(command) == ["ada@example.com"]


def test_standard_input_is_read_where_the_format_is_said(command: CommandLine) -> None:
    command.succeed("users", "import", "-", "--format", "csv", stdin=TWO)
    assert len(listed(command)) == 2


def test_standard_input_is_read_by_a_process_as_well(command: CommandLine) -> None:
    arguments = ("users", "import", "-", "--format", "csv")
    assert "2 imported" in command.as_process().succeed(*arguments, stdin=TWO)


def test_fields_are_left_out_where_that_is_asked_for(command: CommandLine) -> None:
    file = written(command, "id,email,password_hash,bio\n17,ada@example.com,,x\n")
    command.succeed("users", "import", file, "--ignore", "id", "--ignore", "bio")
    assert listed(command) == ["ada@example.com"]


BAD_FILES: dict[str, tuple[tuple[str, ...], str]] = {
    "none": (("missing.csv",), "cannot read missing.csv: No such file or directory"),
    "a folder": (("folder.csv",), "cannot read folder.csv: Is a directory"),
    "an unknown ending": (("users.txt",), "the format of users.txt is not known: say --format csv"),
    "no ending": (("-",), "the format of - is not known: say --format csv or --format jsonl"),
    "an unknown format": (("users.txt", "--format", "xml"), "--format is csv or jsonl"),
    "UTF-16": (("utf16.csv",), "utf16.csv: it is UTF-16 or UTF-32: convert it to UTF-8"),
    "Latin-1": (("latin1.csv",), "latin1.csv: the header is not UTF-8"),
    "no header": (("bare.csv",), "bare.csv: the header has fields that are not known: number 1"),
    "an unknown field": (("bio.csv",), "bio.csv: the header has fields that are not known: bio"),
    "an open quote": (("quote.csv",), "quote.csv: line 2: a quotation mark is opened in it"),
    "nothing": (("empty.csv",), "empty.csv: it is empty"),
}


@pytest.mark.parametrize(("arguments", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_be_read_is_one_line_and_imports_nothing(
    command: CommandLine, arguments: tuple[str, ...], reason: str
) -> None:
    (command.folder / "folder.csv").mkdir()
    written(command, TWO, "users.txt")
    written(command, TWO.encode("utf-16"), "utf16.csv")
    written(command, "email,password_hash,größe\n".encode("latin-1"), "latin1.csv")
    written(command, f"ada@example.com,{HASH}\n", "bare.csv")
    written(command, "email,password_hash,bio\n", "bio.csv")
    written(command, HEADER + '"ada@example.com,,\n', "quote.csv")
    written(command, "", "empty.csv")
    assert command.fail("users", "import", *arguments).startswith(reason)
    assert listed(command) == []


def test_refused_lines_are_told_after_the_counts_and_the_exit_code_is_1(
    command: CommandLine,
) -> None:
    lines = "ada@example.com,md5$1$2,\nnonsense,,\nADA@example.com,,\nada@example.com,,\n"
    done = refused(command, written(command, HEADER + lines))
    assert done.stdout == "1 imported, 0 already there, 3 refused, of 4\n"
    assert done.stderr.splitlines() == [
        "line 2 (ada@example.com): password_hash is of no kind that this service can check",
        "line 3: email is no valid address",
        "line 5 (ada@example.com): email is that of line 4 as well",
        "auth-service: 3 of 4 lines were refused",
    ]
    assert listed(command) == ["ADA@example.com"]


def test_a_line_that_is_none_is_told_by_its_number(command: CommandLine) -> None:
    done = refused(command, written(command, HEADER + "x" * 10_000_000 + "\n"))
    assert done.stderr.startswith("line 2: is longer than 64 KiB\n")


def test_of_very_many_refused_lines_the_first_are_told(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_outcome, "_SHOWN", 3)
    monkeypatch.setattr(importing, "_BATCH", 2)
    done = refused(command, written(command, HEADER + "nonsense,,\n" * 7))
    told = done.stderr.splitlines()
    assert [line[:7] for line in told[:3]] == ["line 2:", "line 3:", "line 4:"]
    assert told[3] == "and 4 more (--report FILE keeps them all)"


def test_a_report_keeps_the_refused_lines_for_the_operator_alone(command: CommandLine) -> None:
    file = written(command, HEADER + "nonsense,,\nada@example.com,,Admin\n")
    done = refused(command, file, "--report", "report.jsonl")
    assert done.stderr == "auth-service: 2 of 2 lines were refused\n"
    report = command.folder / "report.jsonl"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    first, second = (json.loads(line) for line in report.read_text().splitlines())
    assert first == {
        "line": 2,
        "email": None,
        "field": "email",
        "reason": "is no valid address",
    }
    assert (second["line"], second["email"], second["field"]) == (3, "ada@example.com", "roles")


def test_a_report_never_replaces_a_file(command: CommandLine) -> None:
    file = written(command, TWO)
    assert command.fail("users", "import", file, "--report", file) == "users.csv exists already"
    assert (command.folder / file).read_text() == TWO
    assert listed(command) == []


def test_a_report_that_cannot_be_written_imports_nothing(command: CommandLine) -> None:
    file = written(command, TWO)
    reason = command.fail("users", "import", file, "--report", "missing/report.jsonl")
    assert reason == "cannot write missing/report.jsonl: No such file or directory"
    assert listed(command) == []


def test_a_file_that_breaks_in_the_middle_says_how_far_it_went_and_a_repeat_goes_on(
    command_on_each: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 2)
    whole = many(5)
    broken = whole.replace("user4", '"user4')
    done = refused(command_on_each, written(command_on_each, broken), "--json")
    assert json.loads(done.stdout)["finished"] is False
    assert done.stderr == (
        "auth-service: users.csv: line 6: a quotation mark is opened in it and never closed, so "
        "nothing from there on can be read; everything up to line 5 is settled, and importing "
        "the file again goes on from there\n"
    )
    assert command_on_each.succeed("users", "import", written(command_on_each, whole)) == (
        "1 imported, 4 already there, 0 refused, of 5\n"
    )


def test_a_dry_run_that_stops_does_not_say_that_anything_is_settled(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 2)
    file = written(command, many(5).replace("user4", '"user4'))
    assert refused(command, file, "--dry-run").stderr.endswith("can be read\n")


def test_a_database_that_is_lost_in_the_middle_is_one_line(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_service.users import repository

    add_records, calls = repository.add_records, []

    async def lost(db: Any, records: Any) -> Any:
        calls.append(records)
        if len(calls) == 2:
            raise ServiceUnavailable("The database cannot be reached.")
        return await add_records(db, records)

    monkeypatch.setattr(importing, "_BATCH", 2)
    monkeypatch.setattr(repository, "add_records", lost)
    done = refused(command, written(command, many(5)))
    assert done.stdout == "2 imported, 0 already there, 0 refused, of 2\n"
    assert done.stderr == (
        "auth-service: The database cannot be reached; everything up to line 3 is settled, and "
        "importing the file again goes on from there\n"
    )
    assert len(listed(command)) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OSError(28, "No space left on device"), "users.csv: No space left on device"),
        (OSError("nothing can be kept"), "users.csv: nothing can be kept"),
    ],
)
def test_a_disk_that_fails_is_one_line(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, fault: OSError, reason: str
) -> None:
    def fail(*_: object) -> int:
        raise fault

    monkeypatch.setattr(SeenLines, "first", fail)
    assert command.fail("users", "import", written(command, TWO)) == reason
    assert listed(command) == []


def _started(command: CommandLine, *arguments: str, **streams: Any) -> "subprocess.Popen[bytes]":
    # Where tests run in the background of a shell, SIGINT is ignored, and a child inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "auth_service", *arguments],
            cwd=command.folder,
            env=command.environment(),
            start_new_session=True,
            **streams,
        )
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _held_after_some_accounts(command: CommandLine) -> Iterator[None]:
    """Keep an import from writing on, once it has written its first accounts."""
    path = command.settings["AUTH_DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _ in range(3000):
            connection.execute("BEGIN IMMEDIATE")
            (found,) = connection.execute("SELECT count(*) FROM users").fetchone()
            if found:
                yield
                connection.execute("ROLLBACK")
                return
            connection.execute("ROLLBACK")
            time.sleep(0.01)
    raise AssertionError("nothing was imported")


def test_an_import_that_is_killed_leaves_whole_batches_and_a_repeat_does_the_rest(
    command: CommandLine,
) -> None:
    file = written(command, many(20_000))
    with (
        _started(command, "users", "import", file) as process,
        _held_after_some_accounts(command),
    ):
        process.kill()
    first = len(listed(command))
    assert first % 1000 == 0
    assert 0 < first < 20_000
    assert command.succeed("users", "import", file).startswith(
        f"{20_000 - first:,} imported, {first:,} already there"
    )


def test_an_import_that_is_interrupted_says_how_far_it_went(command: CommandLine) -> None:
    file = written(command, many(20_000))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with _started(command, "users", "import", file, **pipes) as process:
        with _held_after_some_accounts(command):
            process.send_signal(signal.SIGINT)
        told, complaint = (text.decode() for text in process.communicate(timeout=60))
    assert process.returncode == 1
    imported = int(told.partition(" ")[0].replace(",", ""))
    assert complaint == (
        f"auth-service: interrupted; everything up to line {imported + 1} is settled, and "
        "importing the file again goes on from there\n"
    )
    assert imported <= len(listed(command)) < 20_000


def _screen(terminal: int) -> bytes:
    seen = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
    return seen


def test_on_a_terminal_a_bar_shows_how_far_it_is(command: CommandLine) -> None:
    file = written(command, many(3000))
    ours, theirs = pty.openpty()
    try:
        with _started(
            command, "users", "import", file, stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            screen = _screen(ours)
            assert process.wait(60) == 0
    finally:
        os.close(ours)
    assert b"importing  [###" in screen
    assert b"100%" in screen
    assert b"3,000 imported" in screen


# --- Exporting ---


def test_an_export_is_what_an_import_takes(command_on_each: CommandLine) -> None:
    command_on_each.succeed("users", "import", written(command_on_each, TWO))
    first = command_on_each.succeed("users", "export")
    assert first.startswith("id,email,")
    assert command_on_each.succeed("users", "import", written(command_on_each, first)) == (
        "0 imported, 2 already there, 0 refused, of 2\n"
    )


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_an_export_is_written_to_a_file_for_its_owner_alone(
    command: CommandLine, name: str
) -> None:
    command.succeed("users", "import", written(command, TWO))
    assert command.succeed("users", "export", "--output", name) == f"2 accounts in {name}\n"
    path = command.folder / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().count(b"\n") == (3 if name == "out.csv" else 2)
    assert "2 already there" in command.succeed("users", "import", name)


def test_an_export_replaces_no_file_unless_told_to(command: CommandLine) -> None:
    path = command.folder / "out.csv"
    path.write_text("precious")
    path.chmod(0o644)
    reason = command.fail("users", "export", "--output", "out.csv")
    assert reason == "out.csv exists already (--force replaces it)"
    assert path.read_text() == "precious"
    command.succeed("users", "export", "--output", "out.csv", "--force")
    assert path.read_text().startswith("id,email,")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_force_replaces_nothing_but_plain_files(command: CommandLine) -> None:
    target = command.folder / "target.csv"
    target.write_text("precious")
    (command.folder / "link.csv").symlink_to(target)
    (command.folder / "folder.csv").mkdir()
    for name in ("link.csv", "folder.csv"):
        reason = command.fail("users", "export", "--output", name, "--force")
        assert reason == f"{name} is no file that could be replaced"
    assert target.read_text() == "precious"


def test_an_export_that_fails_leaves_no_file(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_service.users import repository

    async def lost(*_: object, **__: object) -> None:
        raise ServiceUnavailable("The database cannot be reached.")

    monkeypatch.setattr(repository, "list_records", lost)
    before = {path.name for path in command.folder.iterdir()}
    reason = command.fail("users", "export", "--output", "out.csv")
    assert reason == "The database cannot be reached."
    assert {path.name for path in command.folder.iterdir()} == before


def test_an_export_to_where_nothing_can_be_written_is_one_line(command: CommandLine) -> None:
    reason = command.fail("users", "export", "--output", "missing/out.csv")
    assert reason == "cannot write missing/out.csv: No such file or directory"


def test_a_file_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    path = tmp_path / "out.csv"
    with pytest.raises(typer.Exit), whole_private_file(path, replace=False) as file:  # noqa: PT012 - it fails at the end
        file.write(b"ours")
        path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert [found.name for found in tmp_path.iterdir()] == ["out.csv"]
    assert capsys.readouterr().err.endswith("out.csv exists already\n")


def test_the_format_of_an_export_is_said_or_seen(command: CommandLine) -> None:
    assert command.succeed("users", "export", "--format", "jsonl") == ""
    assert command.fail("users", "export", "--format", "xml") == "--format is csv or jsonl"
    assert command.fail("users", "export", "--output", "out").startswith("the format of out is not")
    command.succeed("users", "export", "--output", "out", "--format", "csv")
    assert (command.folder / "out").read_text().startswith("id,email,")
