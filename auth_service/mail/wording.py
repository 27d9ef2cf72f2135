"""Times, durations and places, as a mail says them. Nothing a client made up gets into these."""

from datetime import datetime, timedelta

from auth_service.core.client import ClientInfo
from auth_service.core.device import well_known_device_name


def circumstances(client: ClientInfo, now: datetime) -> dict[str, str]:
    """When, with what and from where something was done."""
    return {
        "at": spelled_time(now),
        "device": well_known_device_name(client.user_agent),
        "ip": client.ip or "unknown",
    }


def spelled_time(moment: datetime) -> str:
    """A time in UTC, such as ``5 March 2026, 14:07 UTC``."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def spelled(duration: timedelta) -> str:
    """A duration in whole units, such as ``30 minutes``; at least two units are rounded down."""
    seconds = int(duration.total_seconds())
    size, unit = next(
        (size, unit)
        for size, unit in ((3600, "hour"), (60, "minute"), (1, "second"))
        if seconds % size == 0 or seconds > 2 * size
    )
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
