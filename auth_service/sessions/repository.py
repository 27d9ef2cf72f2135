"""SQL about sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.batches import BATCH, delete_batch
from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.sessions.models import Session
from auth_service.users.account import Account
from auth_service.users.models import User
from auth_service.users.repository import ACCOUNT_COLUMNS, account_of

_SESSION_COLUMNS: Final = (
    Session.id,
    Session.client_id,
    Session.amr,
    Session.refresh_salt,
    Session.counter,
    Session.created_at,
    Session.rotated_at,
    Session.last_used_at,
    Session.expires_at,
    Session.ended_at,
)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session's row together with the account it belongs to."""

    id: UUID
    client_id: str
    amr: list[str]
    refresh_salt: bytes
    counter: int
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    account: Account


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class KeptSession:
    """All that is kept of a session and is no secret."""

    id: UUID
    client_id: str
    amr: list[str]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_because: str | None
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """What makes a session live at a time: it has neither ended nor expired nor been idle."""

    now: datetime
    idle_ttl: timedelta

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """The same as a WHERE clause."""
        return (
            Session.ended_at.is_(None),
            Session.expires_at > self.now,
            Session.last_used_at > self.now - self.idle_ttl,
        )


def _stored(*row: Any) -> StoredSession:  # noqa: ANN401 - a row holds what its columns hold
    own = len(_SESSION_COLUMNS)
    values: list[Any] = [*row[:own], account_of(row[own:])]
    return StoredSession(*values)


_BY_ID: Final = RowQuery(
    select(*_SESSION_COLUMNS, *ACCOUNT_COLUMNS)
    .join(User, User.id == Session.user_id)
    .where(Session.id == bindparam("session_id")),
    _stored,
)


async def find(database: Database, session_id: UUID) -> StoredSession | None:
    """A session and its account, read outside any transaction."""
    return await database.fetch_row(_BY_ID, session_id=session_id)


async def find_again(db: AsyncSession, session_id: UUID) -> StoredSession | None:
    """The same, inside the transaction: what another one has committed meanwhile is seen."""
    row = (await db.execute(_BY_ID.statement, {"session_id": session_id})).one_or_none()
    return None if row is None else _stored(*row)


async def add_among_newest(
    db: AsyncSession, session: Session, *, keep: int, because: str
) -> tuple[UUID, ...]:
    """Add a session and end the oldest live ones of its user, so that ``keep`` remain; which ended.

    On PostgreSQL in one statement. Whoever adds has locked the user's row before.
    """
    surplus = (
        select(Session.id)
        .where(
            Session.user_id == session.user_id,
            Session.ended_at.is_(None),
            Session.expires_at > session.created_at,
        )
        .order_by(Session.id.desc())
        .offset(keep - 1)
    )
    end_surplus = (
        update(Session)
        .where(Session.id.in_(surplus))
        .values(ended_at=session.created_at, ended_because=because)
        .returning(Session.id)
        .execution_options(synchronize_session=False)
    )
    values = {
        column.key: getattr(session, column.key)
        for column in Session.__mapper__.columns
        if getattr(session, column.key) is not None
    }
    add = insert(Session).values(values)
    if db.get_bind().dialect.name == "postgresql":
        added = add.returning(Session.id).cte("added")
        ended = end_surplus.cte("ended")
        return tuple(await db.scalars(select(ended.c.id).add_cte(added)))
    gone = tuple(await db.scalars(end_surplus))
    await db.execute(add)
    return gone


def _id_of(session_id: UUID) -> UUID:
    return session_id


_SESSIONS: Final = cast("Table", Session.__table__)
_ADVANCE: Final = RowQuery(
    update(_SESSIONS)
    .where(
        _SESSIONS.c.id == bindparam("of"),
        _SESSIONS.c.counter == bindparam("behind"),
        _SESSIONS.c.ended_at.is_(None),
    )
    .values(counter=bindparam("ahead"), rotated_at=bindparam("at"), last_used_at=bindparam("at"))
    .returning(_SESSIONS.c.id),
    _id_of,
)


async def advance(database: Database, session_id: UUID, *, counter: int, now: datetime) -> bool:
    """Compare and set: from ``counter`` to the next, if the session is still there and not ended.

    Of any number of callers with the same counter exactly one gets True, and only once this is
    committed: it is one statement, and a transaction by itself.
    """
    values = {"of": session_id, "behind": counter, "ahead": counter + 1, "at": now}
    return await database.write_row(_ADVANCE, **values) is not None


async def end(db: AsyncSession, session_id: UUID, *, because: str, now: datetime) -> bool:
    """End a session; False where it had ended before or does not exist."""
    return await _changed_one(
        db,
        update(Session)
        .where(Session.id == session_id, Session.ended_at.is_(None))
        .values(ended_at=now, ended_because=because),
    )


async def end_all(db: AsyncSession, user_id: UUID, *, because: str, now: datetime) -> None:
    """End every session of a user."""
    await db.execute(
        update(Session)
        .where(Session.user_id == user_id, Session.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
    )


async def end_some(db: AsyncSession, *, begun_by: datetime, because: str, now: datetime) -> int:
    """End a batch of sessions that began by a time, anybody's; how many there were."""
    some = (
        select(Session.id)
        .where(Session.ended_at.is_(None), Session.created_at <= begun_by)
        .limit(BATCH)
    )
    result = await db.execute(
        update(Session)
        .where(Session.id.in_(some), Session.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
        .returning(Session.id)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


async def end_all_but(
    db: AsyncSession, user_id: UUID, *, keep: UUID, because: str, now: datetime
) -> int:
    """End every session of a user but one; how many those were."""
    result = await db.execute(
        update(Session)
        .where(Session.user_id == user_id, Session.id != keep, Session.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
        .returning(Session.id)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


async def end_own(
    db: AsyncSession, session_id: UUID, user_id: UUID, *, because: str, live: Live
) -> bool:
    """End a live session of this user; False where it is none."""
    return await _changed_one(
        db,
        update(Session)
        .where(Session.id == session_id, Session.user_id == user_id, *live.conditions())
        .values(ended_at=live.now, ended_because=because),
    )


async def list_live(
    db: AsyncSession, user_id: UUID, *, live: Live, after: UUID | None, limit: int
) -> list[ListedSession]:
    """A user's live sessions, the newest first; those older than ``after``."""
    statement = (
        select(*(getattr(Session, name) for name in ListedSession.__slots__))
        .where(Session.user_id == user_id, *live.conditions())
        .order_by(Session.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Session.id < after)
    return [ListedSession(*row) for row in await db.execute(statement)]


async def list_all(db: AsyncSession, user_id: UUID) -> list[KeptSession]:
    """All of a user's sessions, the newest first."""
    columns = (getattr(Session, name) for name in KeptSession.__slots__)
    statement = select(*columns).where(Session.user_id == user_id).order_by(Session.id.desc())
    return [KeptSession(*row) for row in await db.execute(statement)]


async def list_ended(
    database: Database, since: datetime, *, limit: int
) -> list[tuple[datetime, str]]:
    """When sessions ended, and which; those after a time, the oldest first; in no transaction."""
    statement = (
        select(Session.ended_at, Session.id)
        .where(Session.ended_at > since)
        .order_by(Session.ended_at)
        .limit(limit)
    )
    return await database.fetch_rows(statement, lambda at, session_id: (at, str(session_id)))


async def remove_expired(db: AsyncSession, *, now: datetime) -> int:
    """Delete some sessions that have expired; how many there were."""
    return await delete_batch(db, Session.id, Session.expires_at <= now)


async def _changed_one(db: AsyncSession, statement: Any) -> bool:  # noqa: ANN401 - an UPDATE
    result = await db.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE gives
    return result.rowcount == 1
