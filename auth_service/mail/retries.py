"""When a mail that was not taken is tried again, and when no more."""

import random
from datetime import datetime, timedelta
from typing import Final

GIVE_UP_AFTER: Final = timedelta(hours=24)
_FIRST: Final = timedelta(seconds=10)
_LONGEST: Final = timedelta(hours=1)
_JITTER: Final = 0.25
_DOUBLINGS: Final = 10  # beyond these the longest delay holds anyway


def next_attempt(*, written_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None once a day has passed.

    The delay doubles from ten seconds to an hour, a quarter more or less, so that what failed
    together does not come back together. The last try is at the end of the day.
    """
    end = written_at + GIVE_UP_AFTER
    if now >= end:
        return None
    return min(now + delay_after(attempts), end)


def delay_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts in a row that failed."""
    delay = min(_FIRST * 2.0 ** min(attempts - 1, _DOUBLINGS), _LONGEST)
    jitter = 1 + _JITTER * (2 * random.random() - 1)  # noqa: S311 - spreads load, hides nothing
    return delay * jitter
