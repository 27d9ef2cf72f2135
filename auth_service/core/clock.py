"""Time, passed in: nothing else in the service asks the machine what time it is."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """The current time, in UTC and aware of it."""
        ...  # pragma: no cover - a protocol has no body


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current time, in UTC and aware of it."""
        return datetime.now(UTC)
