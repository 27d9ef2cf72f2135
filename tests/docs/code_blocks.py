"""The code that the documentation shows, as a reader would copy it."""

import re
from typing import Final

from tests.architecture.package import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "validating-tokens.md"
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def code_blocks() -> list[tuple[str, str]]:
    """Each block of the page: its language and its text."""
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def block_named(name: str) -> str:
    """The text of the one block whose first line names this file."""
    found = [text for _, text in code_blocks() if name in text.splitlines()[0]]
    assert len(found) == 1, name
    return found[0]


def with_constants(text: str, **values: str) -> str:
    """The same code with its upper-case constants set to other texts."""
    for name, value in values.items():
        assignment = re.compile(rf"^((?:const )?{name} = ).*?(;?)$", re.MULTILINE)
        text, count = assignment.subn(lambda m, v=value: f'{m[1]}"{v}"{m[2]}', text)  # type: ignore[misc]
        assert count == 1, name
    return text
