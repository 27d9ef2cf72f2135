"""``.env.example`` lists every setting, in the order of the class, with its default."""

import re
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final

import pytest

from auth_service.settings import Settings

EXAMPLE: Final = Path(__file__).parents[2] / ".env.example"
SETTING: Final = re.compile(r"#AUTH_([A-Z_]+)=(.*)")


def lines() -> list[str]:
    return EXAMPLE.read_text().splitlines()


def listed() -> dict[str, str]:
    found = [match for line in lines() if (match := SETTING.fullmatch(line))]
    return {match[1].lower(): match[2] for match in found}


def spelt(default: object) -> str:
    """A default as an operator would write it; empty where there is nothing to write."""
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case timedelta():
            seconds = default.total_seconds()
            return str(int(seconds) if seconds.is_integer() else seconds)
        case Enum():
            return str(default.value)
        case list():
            return ",".join(map(str, default))
        case _:
            return str(default)


def test_every_setting_is_listed_in_the_order_of_the_class() -> None:
    assert list(listed()) == list(Settings.model_fields)


def test_no_setting_is_listed_twice() -> None:
    assert len(listed()) == sum(SETTING.fullmatch(line) is not None for line in lines())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_default_is_the_one_of_the_class(name: str) -> None:
    field = Settings.model_fields[name]
    # A default that depends on the machine cannot be written down.
    expected = "" if field.default_factory is not None else spelt(field.default)
    assert listed()[name] == expected


def test_everything_uncommented_changes_nothing(tmp_path: Path) -> None:
    uncommented = tmp_path / "uncommented"
    plain = "\n".join(f"AUTH_{name.upper()}={value}" for name, value in listed().items())
    uncommented.write_text(plain)
    assert Settings(_env_file=uncommented) == Settings(_env_file=None)


def test_each_setting_has_one_line_about_it() -> None:
    above = {
        match[1]: (lines()[number - 1], lines()[number - 2])
        for number, line in enumerate(lines())
        if (match := SETTING.fullmatch(line))
    }
    for name, (comment, before) in above.items():
        assert re.fullmatch(r"# \S.*\.", comment), name
        assert before == "" or SETTING.fullmatch(before), name


def test_settings_of_what_is_not_there_yet_say_so() -> None:
    text = EXAMPLE.read_text()
    for name in ("AUTH_RESET_TTL", "AUTH_VERIFY_TTL"):
        comment = text.partition(f"#{name}=")[0].splitlines()[-1]
        assert "later release" in comment, name
