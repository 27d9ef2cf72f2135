"""``docs/security.md`` names files that there are, and every event that the log has."""

import ast
import re

from tests.architecture.package import REPOSITORY

PAGE = (REPOSITORY / "docs/security.md").read_text()


def logged() -> set[str]:
    """The first argument of every call of ``log``'s methods."""
    return {
        call.args[0].value
        for path in (REPOSITORY / "auth_service").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_file_that_is_named_exists() -> None:
    files = set(re.findall(r"`((?:auth_service|docs|tests)/[\w./-]+)`", PAGE))
    assert len(files) > 30
    assert {file for file in files if not (REPOSITORY / file).exists()} == set()


def test_the_log_events_are_those_of_the_code() -> None:
    section = PAGE.partition("## Log events")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", section)) - {"info", "warning"} == logged()
