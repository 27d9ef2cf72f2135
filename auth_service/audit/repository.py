"""SQL about events."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.audit.models import AuditEvent
from auth_service.db.query import AnySelect
from auth_service.db.session import Database


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the database keeps it."""

    id: UUID
    happened_at: datetime
    action: str
    outcome: str
    actor_id: UUID | None
    subject_id: UUID | None
    session_id: UUID | None
    ip: str | None
    user_agent: str | None
    request_id: str | None
    details: dict[str, Any]
    client_id: UUID | None = None
    salt: bytes | None = None


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Which events are looked for: those that meet everything that is given."""

    subject: UUID | None = None
    actor: UUID | None = None
    action: str | None = None
    after: datetime | None = None
    before: datetime | None = None


async def add(db: AsyncSession, event: StoredEvent) -> None:
    """Add an event."""
    await db.execute(insert(AuditEvent).values(**asdict(event)))


async def list_page(
    db: AsyncSession, search: EventSearch, *, before: UUID | None, limit: int
) -> list[StoredEvent]:
    """Events that are looked for, the newest first; those that came before ``before``."""
    statement = _newest_first(search, before, limit)
    return [StoredEvent(*row) for row in await db.execute(statement)]


async def list_backward(
    database: Database, search: EventSearch, *, before: UUID | None, limit: int
) -> list[StoredEvent]:
    """The same as ``list_page``, in no transaction."""
    return await database.fetch_rows(_newest_first(search, before, limit), StoredEvent)


def _newest_first(search: EventSearch, before: UUID | None, limit: int) -> AnySelect:
    columns = [getattr(AuditEvent, name) for name in StoredEvent.__slots__]
    statement = (
        select(*columns).where(*_conditions(search)).order_by(AuditEvent.id.desc()).limit(limit)
    )
    return statement if before is None else statement.where(AuditEvent.id < before)


def _conditions(search: EventSearch) -> Iterator[ColumnElement[bool]]:
    for column, wanted in (
        (AuditEvent.actor_id, search.actor),
        (AuditEvent.subject_id, search.subject),
        (AuditEvent.action, search.action),
    ):
        if wanted is not None:
            yield column == wanted
    if search.after is not None:
        yield AuditEvent.happened_at > search.after
    if search.before is not None:
        yield AuditEvent.happened_at < search.before


async def list_forward(
    database: Database, search: EventSearch, *, after: UUID | None, limit: int
) -> list[StoredEvent]:
    """Events that are looked for, the oldest first; those after ``after``; in no transaction."""
    columns = [getattr(AuditEvent, name) for name in StoredEvent.__slots__]
    statement = select(*columns).where(*_conditions(search)).order_by(AuditEvent.id).limit(limit)
    if after is not None:
        statement = statement.where(AuditEvent.id > after)
    return await database.fetch_rows(statement, StoredEvent)


async def list_since(
    database: Database, actions: Sequence[str], since: datetime, *, column: str, limit: int
) -> list[tuple[datetime, str]]:
    """When one of these things happened, and to whom or what (``column``); in no transaction."""
    found = getattr(AuditEvent, column)
    statement = (
        select(AuditEvent.happened_at, found)
        .where(AuditEvent.happened_at > since, AuditEvent.action.in_(actions), found.is_not(None))
        .order_by(AuditEvent.happened_at)
        .limit(limit)
    )
    return await database.fetch_rows(statement, lambda at, value: (at, str(value)))


async def erase_personal_data(db: AsyncSession, subject_id: UUID) -> None:
    """Take address, program and details out of somebody's events; the events stay."""
    await db.execute(
        update(AuditEvent)
        .where(AuditEvent.subject_id == subject_id)
        .values(ip=None, user_agent=None, request_id=None, details={}, salt=None)
        .execution_options(synchronize_session=False)
    )
