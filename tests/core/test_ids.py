"""Identifiers (RFC 9562 section 5.7)."""

import time
from uuid import RFC_4122, UUID

from auth_service.core.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert type(made) is UUID
    assert (made.version, made.variant) == (7, RFC_4122)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_an_id_tells_the_millisecond_it_was_made_in() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = new_id().int >> 80
    assert before <= milliseconds <= time.time_ns() // 1_000_000 + 1
