"""Identifiers: UUIDv7 (RFC 9562 section 5.7), so that new rows land at the end of an index."""

from datetime import datetime
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds, 74 random ones."""
    return uuid7()


def new_id_text() -> str:
    """The text of a new UUIDv7; an eighth of the time, as no ``UUID`` is made for it."""
    return str(uuid_utils.uuid7())


def first_id_at(moment: datetime) -> UUID:
    """What no UUIDv7 is less than that was made at this moment or later."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
