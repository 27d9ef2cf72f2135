"""What validators that do not ask have to refuse: everything revoked within a token's life.

Nothing is kept for this: ended sessions, revoked tokens and the events of accounts say it all.
They are read in the order of their times. A transaction takes its time before it commits, so a list
that was read to its end is gone on with from a minute before that: what was committed late is in it
then.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from auth_service.audit import repository as audit_repository
from auth_service.audit.actions import Action
from auth_service.clients import repository as client_repository
from auth_service.core.clock import Clock
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.db.session import Database
from auth_service.sessions import repository as session_repository
from auth_service.settings import Settings

MOST_ENTRIES: Final = 1000
LATEST_COMMIT: Final = timedelta(minutes=1)
LEEWAY: Final = timedelta(minutes=1)
"""Clocks of validators may be so far off."""
_OF_USERS: Final = (Action.USER_DELETED, Action.USER_DISABLED, Action.USER_ROLES_CHANGED)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CURSOR: Final = re.compile(r"([em])(\d{1,17})", re.ASCII)
_BAD_CURSOR: Final = FieldFault(
    "/query/cursor",
    "invalid_cursor",
    "This is no cursor: leave it out, or take one from an answer.",
)

Kind = Literal["session", "user", "client", "token"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to refuse, and since when."""

    at: datetime
    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """Some of the list; ``more`` says that the rest is there already."""

    entries: Sequence[Entry]
    cursor: str
    more: bool
    keep: timedelta


class RevocationList:
    """Reads the list from anywhere within the life of a token."""

    def __init__(self, *, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._keep = settings.access_token_ttl + LEEWAY

    async def read(self, cursor: str | None) -> RevocationPage:
        """The entries after a cursor, or all that count now.

        Raises:
            ValidationFailed: the cursor is none.
            ServiceUnavailable: the database cannot be reached.
        """
        oldest = self._clock.now() - self._keep
        since, at_end = (oldest, True) if cursor is None else _read(cursor)
        begin = max(oldest, since - LATEST_COMMIT if at_end else since)
        found = await self._entries(begin)
        shown = _whole_moments(found) if len(found) > MOST_ENTRIES else found
        more = len(shown) < len(found)
        last = max(since, shown[-1].at) if shown else since
        return RevocationPage(shown, _spelled(last, at_end=not more), more, self._keep)

    async def _entries(self, since: datetime) -> list[Entry]:
        """Those after a time, the oldest first; one more than are shown, at least."""
        limit = MOST_ENTRIES + 1
        sources: tuple[tuple[Kind, Awaitable[list[tuple[datetime, str]]]], ...] = (
            ("session", session_repository.list_ended(self._database, since, limit=limit)),
            ("token", client_repository.list_revoked(self._database, since, limit=limit)),
            ("user", self._events(_OF_USERS, since, "subject_id")),
            ("client", self._events((Action.CLIENT_DELETED,), since, "client_id")),
        )
        found = [Entry(at, kind, value) for kind, source in sources for at, value in await source]
        return sorted(found, key=lambda entry: (entry.at, entry.kind, entry.value))[:limit]

    async def _events(
        self, actions: Sequence[Action], since: datetime, column: str
    ) -> list[tuple[datetime, str]]:
        return await audit_repository.list_since(
            self._database,
            [action.value for action in actions],
            since,
            column=column,
            limit=MOST_ENTRIES + 1,
        )


def _whole_moments(found: list[Entry]) -> list[Entry]:
    """Those before the moment of the last one, of which there may be more than were read.

    Where all are of one moment they stay: so much ends at once only in one transaction, and the
    cursor has to get on.
    """
    return [entry for entry in found if entry.at < found[-1].at] or found[:-1]


def _spelled(at: datetime, *, at_end: bool) -> str:
    text = f"{'e' if at_end else 'm'}{(at - _EPOCH) // _MICROSECOND}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, bool]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        found = _CURSOR.fullmatch(text)
        at = _EPOCH + int(found[2] if found else "?") * _MICROSECOND
    except (binascii.Error, ValueError, OverflowError) as fault:
        raise ValidationFailed((_BAD_CURSOR,)) from fault
    return at, text[0] == "e"
