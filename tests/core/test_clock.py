"""The machine's clock."""

from datetime import UTC, datetime, timedelta

from auth_service.core.clock import SystemClock


def test_the_time_is_now_and_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)
