"""What a fault did to those who were there, noted by the tests and made a page of.

    python -m tests.faults.reliability NOTES docs/reliability.md

A test notes a fault once; `make faults` runs them all and writes the page.
"""

import json
import os
import platform
import re
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

_PATTERN = re.compile(r"<!-- results -->.*<!-- end of results -->", re.DOTALL)


@dataclass(frozen=True)
class Note:
    """A fault, what clients see of it, how long until all is as before, and what was lost."""

    fault: str
    clients_see: str
    until_normal: str
    lost: str


def note(fault: str, *, clients_see: str, until_normal: str, lost: str) -> None:
    """Note what a fault did, where notes are taken (``TEST_RELIABILITY`` names a file)."""
    path = os.environ.get("TEST_RELIABILITY")
    if path:
        line = json.dumps(asdict(Note(fault, clients_see, until_normal, lost)))
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def table(notes: list[Note]) -> str:
    """The notes as a Markdown table, in the order of the faults' names."""
    lines = [
        "| fault | what clients see | until normal | acknowledged and lost |",
        "| --- " * 4 + "|",
    ]
    seen = {each.fault: each for each in notes}
    for _, each in sorted(seen.items()):
        lines.append(f"| {each.fault} | {each.clients_see} | {each.until_normal} | {each.lost} |")
    return "\n".join(lines)


def main() -> None:
    """Write the page's table anew."""
    notes_path, page = map(Path, sys.argv[1:3])
    lines = notes_path.read_text(encoding="utf-8").splitlines()
    notes = [Note(**json.loads(line)) for line in lines]
    machine = (
        f"Run on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} cores, "
        f"Python {platform.python_version()}."
    )
    results = f"<!-- results -->\n{machine}\n\n{table(notes)}\n<!-- end of results -->"
    text = page.read_text(encoding="utf-8")
    page.write_text(_PATTERN.sub(lambda _: results, text), encoding="utf-8")


if __name__ == "__main__":
    main()
