"""SQL about events."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.audit.models import AuditEvent


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


async def add(db: AsyncSession, event: StoredEvent) -> None:
    """Add an event."""
    await db.execute(insert(AuditEvent).values(**asdict(event)))


async def list_page(
    db: AsyncSession, subject_id: UUID, *, before: UUID | None, limit: int
) -> list[StoredEvent]:
    """What happened to somebody, the newest first; what came before ``before``."""
    columns = [getattr(AuditEvent, name) for name in StoredEvent.__slots__]
    statement = (
        select(*columns)
        .where(AuditEvent.subject_id == subject_id)
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    return [StoredEvent(*row) for row in await db.execute(statement)]


async def erase_personal_data(db: AsyncSession, subject_id: UUID) -> None:
    """Take address, program and details out of somebody's events; the events stay."""
    await db.execute(
        update(AuditEvent)
        .where(AuditEvent.subject_id == subject_id)
        .values(ip=None, user_agent=None, request_id=None, details={})
        .execution_options(synchronize_session=False)
    )
