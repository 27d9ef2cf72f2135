"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class MovingClock:
    """Starts at the machine's time, so that limits kept elsewhere agree with it."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **duration: float) -> None:
        """Let time pass: ``advance(seconds=11)``."""
        self._now += timedelta(**duration)
