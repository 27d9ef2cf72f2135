"""The times that the service takes, on every way in: between 1970 and 9999, in UTC.

Outside of that some part cannot say them: a signed token counts seconds since 1970, and Python's
calendar ends with the year 9999, which another zone can still be in when UTC is past it.
"""

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


class OutOfRangeError(ValueError):
    """A time before 1970 or after 9999."""


def in_range(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        OutOfRangeError: it is before 1970 or after 9999.
    """
    try:
        found = moment.astimezone(UTC)
    except OverflowError as fault:
        raise OutOfRangeError("the time is not between 1970 and 9999") from fault
    if not EARLIEST <= found <= LATEST:
        raise OutOfRangeError("the time is not between 1970 and 9999")
    return found
