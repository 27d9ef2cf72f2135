"""SQL about the outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from auth_service.db.session import Database
from auth_service.mail.models import OutboxMail

Channel = Literal["mail", "webhooks"]
"""What a sender carries: neither is held up by the other."""
_WEBHOOK: Final = "webhook"
_AT_ONCE_TO_ONE: Final = 2
"""Tries under way at a time, over all workers, to one destination: a slow one leaves room."""
_LEASED_COLUMNS: Final = (
    OutboxMail.id,
    OutboxMail.kind,
    OutboxMail.payload,
    OutboxMail.user_id,
    OutboxMail.created_at,
    OutboxMail.attempts,
    OutboxMail.leased_until,
)


@dataclass(frozen=True, slots=True)
class LeasedMail:
    """A mail that one worker, and no other, may try to send until ``leased_until``.

    ``attempts`` counts the one that is about to be made.
    """

    id: UUID
    kind: str
    payload: bytes
    user_id: UUID | None
    created_at: datetime
    attempts: int
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class ReadableMail:
    """A mail whose payload was not erased."""

    id: UUID
    kind: str
    payload: bytes
    created_at: datetime
    sent_at: datetime | None
    last_error: str | None


async def add(db: AsyncSession, mail: OutboxMail) -> None:
    """Add a mail."""
    db.add(mail)
    await db.flush()


async def delete_unsent(db: AsyncSession, user_id: UUID) -> None:
    """Delete the mails about an account that were not sent."""
    await db.execute(
        delete(OutboxMail)
        .where(OutboxMail.user_id == user_id, OutboxMail.sent_at.is_(None))
        .execution_options(synchronize_session=False)
    )


async def has_due(database: Database, now: datetime, *, channel: Channel) -> bool:
    """Whether any mail may be tried, read outside any transaction: no lock is taken to look."""
    statement = select(OutboxMail.id).where(*_due(now, channel)).limit(1)
    found = await database.fetch_rows(statement, _id)
    return bool(found)


async def list_readable(database: Database, *, limit: int) -> list[ReadableMail]:
    """The latest mails with a payload, the newest first, read outside any transaction."""
    statement = (
        select(
            OutboxMail.id,
            OutboxMail.kind,
            OutboxMail.payload,
            OutboxMail.created_at,
            OutboxMail.sent_at,
            OutboxMail.last_error,
        )
        .where(OutboxMail.payload.is_not(None), OutboxMail.kind != _WEBHOOK)
        .order_by(OutboxMail.id.desc())
        .limit(limit)
    )
    return await database.fetch_rows(statement, ReadableMail)


async def lease_due(
    db: AsyncSession, *, channel: Channel, now: datetime, until: datetime
) -> LeasedMail | None:
    """Lease the mail that has been due longest; None where there is none that others leave.

    Effect: on PostgreSQL rows that another worker is leasing at this moment are passed over; on
    SQLite the transaction holds the write lock anyway.
    """
    found = await db.scalar(
        select(OutboxMail.id)
        .where(*_due(now, channel))
        .order_by(OutboxMail.next_attempt_at, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if found is None:
        return None
    statement = (
        update(OutboxMail)
        .where(OutboxMail.id == found)
        .values(leased_until=until, attempts=OutboxMail.attempts + 1)
        .returning(*_LEASED_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    leased: list[Any] = [*(await db.execute(statement)).one()]
    return LeasedMail(*leased)


async def mark_sent(
    db: AsyncSession, mail: LeasedMail, *, payload: bytes | None, now: datetime
) -> bool:
    """Note that a leased mail has left; False where the lease is another's by now."""
    return await _release(db, mail, payload=payload, sent_at=now, last_error=None)


async def mark_given_up(db: AsyncSession, mail: LeasedMail, *, error: str, now: datetime) -> bool:
    """Note that a leased mail is not tried again; False where the lease is another's by now."""
    return await _release(db, mail, payload=None, given_up_at=now, last_error=error)


async def mark_delayed(db: AsyncSession, mail: LeasedMail, *, error: str, until: datetime) -> bool:
    """Note when a leased mail is tried again; False where the lease is another's by now."""
    return await _release(db, mail, next_attempt_at=until, last_error=error)


async def erase_sent(db: AsyncSession, *, before: datetime, limit: int) -> int:
    """Erase payloads that were kept of mails sent before a time, at most ``limit``; how many."""
    kept = [OutboxMail.sent_at < before, OutboxMail.payload.is_not(None)]
    some = select(OutboxMail.id).where(*kept).limit(limit)
    statement = update(OutboxMail).where(OutboxMail.id.in_(some)).values(payload=None)
    return await _count(db, statement)


async def delete_sent(db: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete mails that were sent before a time, at most ``limit``; how many were."""
    return await _delete_some(db, [OutboxMail.sent_at < before], limit)


async def delete_given_up(db: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete mails that were given up before a time, at most ``limit``; how many were."""
    given_up = [OutboxMail.sent_at.is_(None), OutboxMail.given_up_at < before]
    return await _delete_some(db, given_up, limit)


def _due(now: datetime, channel: Channel) -> list[ColumnElement[bool]]:
    is_webhook = OutboxMail.kind == _WEBHOOK
    return [
        and_(is_webhook, _is_free(now)) if channel == "webhooks" else ~is_webhook,
        OutboxMail.sent_at.is_(None),
        OutboxMail.given_up_at.is_(None),
        OutboxMail.next_attempt_at <= now,
        or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until <= now),
    ]


async def postpone(db: AsyncSession, destination: UUID, *, now: datetime, until: datetime) -> None:
    """Have whatever waits for a destination wait until a time, what is under way excepted."""
    await _count(
        db,
        update(OutboxMail)
        .where(*_waits_for(destination, now), OutboxMail.next_attempt_at < until)
        .values(next_attempt_at=until),
    )


async def hasten(db: AsyncSession, destination: UUID, *, now: datetime) -> None:
    """Have whatever waits for a destination be tried now."""
    await _count(
        db, update(OutboxMail).where(*_waits_for(destination, now)).values(next_attempt_at=now)
    )


def _waits_for(destination: UUID, now: datetime) -> list[ColumnElement[bool]]:
    return [
        OutboxMail.destination == destination,
        OutboxMail.sent_at.is_(None),
        OutboxMail.given_up_at.is_(None),
        or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until <= now),
    ]


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Whether few enough tries are under way to where a delivery goes."""
    leased = aliased(OutboxMail)
    busy = (
        select(leased.destination)
        .where(leased.leased_until > now, leased.destination.is_not(None))
        .group_by(leased.destination)
        .having(func.count() >= _AT_ONCE_TO_ONE)
    )
    return or_(OutboxMail.destination.is_(None), OutboxMail.destination.not_in(busy))


def _id(found: UUID) -> UUID:
    return found


async def _release(db: AsyncSession, mail: LeasedMail, **values: object) -> bool:
    """Compare and set: whoever leased it last is the only one who may say how it ended."""
    statement = (
        update(OutboxMail)
        .where(
            OutboxMail.id == mail.id,
            OutboxMail.leased_until == mail.leased_until,
            OutboxMail.sent_at.is_(None),
        )
        .values(leased_until=None, **values)
    )
    return await _count(db, statement) == 1


async def _delete_some(db: AsyncSession, conditions: list[ColumnElement[bool]], limit: int) -> int:
    some = select(OutboxMail.id).where(*conditions).limit(limit)
    return await _count(db, delete(OutboxMail).where(OutboxMail.id.in_(some)))


async def _count(db: AsyncSession, statement: Any) -> int:  # noqa: ANN401 - an UPDATE or DELETE
    result = await db.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - what it gives
    return result.rowcount
