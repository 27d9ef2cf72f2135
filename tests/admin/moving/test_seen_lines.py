"""Which line had something first."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from auth_service.admin.moving.seen_lines import SeenLines


@pytest.fixture
def seen() -> Iterator[SeenLines]:
    with closing(SeenLines()) as found:
        yield found


def test_a_new_text_stands_on_its_own_line(seen: SeenLines) -> None:
    assert seen.first("ada", 2) == 2
    assert seen.first("bob", 3) == 3


def test_a_repeated_text_stands_on_the_line_it_was_on_first(seen: SeenLines) -> None:
    seen.first("ada", 2)
    assert seen.first("ada", 7) == 2
    assert seen.first("ada", 9) == 2


def test_where_nothing_can_be_kept_the_system_is_at_fault(
    seen: SeenLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = sqlite3.connect("", isolation_level=None)
    full.execute("CREATE TABLE seen (mark BLOB PRIMARY KEY, line INTEGER NOT NULL)")
    full.execute("PRAGMA max_page_count = 3")
    monkeypatch.setattr(seen, "_connection", full)
    with pytest.raises(OSError, match="nothing can be kept in the folder for temporary files"):
        _ = [seen.first(f"user{line}", line) for line in range(1000)]
    full.close()
