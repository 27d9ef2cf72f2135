"""SQL about the outbox."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.session import Database
from auth_service.mail.models import OutboxMail


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail as the outbox keeps it."""

    id: UUID
    kind: str
    payload: bytes | None
    user_id: UUID | None
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    leased_until: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None


_COLUMNS: Final = tuple(getattr(OutboxMail, name) for name in StoredMail.__slots__)


async def add(db: AsyncSession, mail: StoredMail) -> None:
    """Put a mail into the outbox."""
    db.add(OutboxMail(**asdict(mail)))
    await db.flush()


async def is_any_due(database: Database, now: datetime) -> bool:
    """Whether a mail waits to be sent, read outside any transaction: mostly none does."""
    statement = select(OutboxMail.id).where(*_due(now)).limit(1)
    return bool(await database.fetch_rows(statement, UUID.__str__))


async def lease_due(db: AsyncSession, *, now: datetime, until: datetime) -> StoredMail | None:
    """Take the mail that has waited longest and that no other worker is at, for a while."""
    statement = (
        select(OutboxMail.id)
        .where(*_due(now))
        .order_by(OutboxMail.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    mail_id = await db.scalar(statement)
    if mail_id is None:
        return None
    row = (
        await db.execute(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id)
            .values(leased_until=until, attempts=OutboxMail.attempts + 1)
            .returning(*_COLUMNS)
            .execution_options(synchronize_session=False)
        )
    ).one()
    return StoredMail(*row)


async def close(
    db: AsyncSession, mail: StoredMail, *, outcome: str, now: datetime, keep_payload: bool
) -> bool:
    """Note that a mail is sent or given up, and erase what it said; False if the lease is lost."""
    values = {"closed_at": now, "outcome": outcome, "leased_until": None}
    if not keep_payload:
        values["payload"] = None
    return await _change_leased(db, mail, values)


async def postpone(db: AsyncSession, mail: StoredMail, *, until: datetime, outcome: str) -> bool:
    """Have a mail tried again later; False if the lease is lost."""
    values = {"next_attempt_at": until, "outcome": outcome, "leased_until": None}
    return await _change_leased(db, mail, values)


async def remove_unsent_of(db: AsyncSession, user_id: UUID) -> None:
    """Delete what was to be sent about a user."""
    await db.execute(
        delete(OutboxMail)
        .where(OutboxMail.user_id == user_id)
        .execution_options(synchronize_session=False)
    )


async def list_closed(database: Database, *, since: datetime, limit: int) -> list[StoredMail]:
    """What was sent or given up since a time, the newest first."""
    statement = (
        select(*_COLUMNS)
        .where(OutboxMail.closed_at > since)
        .order_by(OutboxMail.closed_at.desc())
        .limit(limit)
    )
    return await database.fetch_rows(statement, StoredMail)


async def remove_closed(db: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete at most so many mails that were closed before a time; how many there were."""
    old = select(OutboxMail.id).where(OutboxMail.closed_at <= before).limit(limit)
    result = await db.execute(
        delete(OutboxMail)
        .where(OutboxMail.id.in_(old))
        .returning(OutboxMail.id)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxMail.closed_at.is_(None),
        OutboxMail.next_attempt_at <= now,
        or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until <= now),
    )


async def _change_leased(db: AsyncSession, mail: StoredMail, values: dict[str, object]) -> bool:
    row = await db.execute(
        update(OutboxMail)
        .where(OutboxMail.id == mail.id, OutboxMail.leased_until == mail.leased_until)
        .values(values)
        .returning(OutboxMail.id)
        .execution_options(synchronize_session=False)
    )
    return row.one_or_none() is not None
