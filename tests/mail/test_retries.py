"""Tries come later and later, and end after a day."""

from datetime import UTC, datetime, timedelta

import pytest

from auth_service.mail.retries import GIVE_UP_AFTER, next_attempt

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def seconds_until(attempts: int) -> float:
    found = next_attempt(written_at=START, attempts=attempts, now=START)
    assert found is not None
    return (found - START).total_seconds()


@pytest.mark.parametrize(
    ("attempts", "around"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (10_000, 3600)]
)
def test_the_delay_doubles_up_to_an_hour_give_or_take_a_quarter(attempts: int, around: int) -> None:
    found = {seconds_until(attempts) for _ in range(50)}
    assert around * 0.75 <= min(found) < max(found) <= around * 1.25


def test_the_last_try_is_at_the_end_of_the_day() -> None:
    now = START + GIVE_UP_AFTER - timedelta(minutes=1)
    assert next_attempt(written_at=START, attempts=30, now=now) == START + GIVE_UP_AFTER


def test_after_a_day_there_is_none() -> None:
    now = START + GIVE_UP_AFTER
    assert next_attempt(written_at=START, attempts=30, now=now) is None
