"""The README's tour, run line by line, gives what it shows."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_server import NewServer

README = Path(__file__).parent.parent.parent / "README.md"


def steps() -> Iterator[tuple[str, str]]:
    """Each command of the console blocks with the output shown below it."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, shown = [], step.splitlines()
            while shown:
                line = shown.pop(0)
                command.append(line)
                if not line.endswith("\\"):
                    break
            yield "\n".join(command), "\n".join(shown)


def shape(output: str) -> Any:
    """What of an output stays the same from run to run: of a document its names, else all."""
    try:
        document = json.loads(output)
    except ValueError:
        return output.strip()
    return list(document) if isinstance(document, dict) else document


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite, as `make run` has it."""
    return sqlite_url


async def test_every_command_of_the_tour_prints_what_is_shown(
    new_server: NewServer, tmp_path: Path
) -> None:
    # One shell for the whole tour, as a reader has it: functions and files stay. A mark after
    # each command tells where its output ends.
    mark = "=== end of step ==="
    async with new_server(AUTH_ENVIRONMENT="development") as server:
        script = "".join(f"{command}\nprintf '\\n%s\\n' '{mark}'\n" for command, _ in steps())
        script = script.replace("http://localhost:8000", server.url)
        shell = await asyncio.create_subprocess_exec(
            "bash", stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=tmp_path
        )
        printed_all, complaints = await shell.communicate(script.encode())
    assert not complaints
    outputs = printed_all.decode().split(mark)[:-1]
    shown = [text for _, text in steps()]
    assert len(shown) >= 8
    for (command, expected), printed in zip(steps(), outputs, strict=True):
        assert shape(printed) == shape(expected), f"{command}\nprinted {printed}\nnot {expected}"
