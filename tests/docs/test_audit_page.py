"""The page about events has every action there is, and no other."""

import re
from pathlib import Path

from auth_service.audit.actions import Action

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"


def test_the_list_of_actions_is_the_closed_list() -> None:
    found = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert found == [action.value for action in Action]
