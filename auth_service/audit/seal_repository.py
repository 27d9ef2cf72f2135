"""SQL about the chain of seals, its checkpoints and its key."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.audit.chain import Checkpoint, Seal
from auth_service.audit.models import AuditCheckpoint, AuditEvent, AuditKey, AuditSeal
from auth_service.audit.repository import StoredEvent
from auth_service.db.session import Database

_ADVISORY_LOCK: Final = 0x61756469  # "audi"
_EVENT: Final = tuple(getattr(AuditEvent, name) for name in StoredEvent.__slots__)
_SEAL: Final = tuple(getattr(AuditSeal, name) for name in Seal.__slots__)
_CHECKPOINT: Final = tuple(getattr(AuditCheckpoint, name) for name in Checkpoint.__slots__)
_KEY_ID: Final = 1


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """A seal with the event that it belongs to; None where that is gone."""

    seal: Seal
    event: StoredEvent | None


async def try_lock(db: AsyncSession) -> bool:
    """Be the only one who seals, until the commit; False where somebody else does.

    On SQLite the transaction holds the write lock anyway.
    """
    if db.get_bind().dialect.name != "postgresql":
        return True
    return bool(await db.scalar(select(func.pg_try_advisory_xact_lock(_ADVISORY_LOCK))))


async def find_last(db: AsyncSession) -> Seal | None:
    """The last seal of the chain."""
    row = (
        await db.execute(select(*_SEAL).order_by(AuditSeal.position.desc()).limit(1))
    ).one_or_none()
    return None if row is None else Seal(*row)


async def list_unsealed(
    db: AsyncSession, *, since: UUID | None, before: datetime | None = None, limit: int
) -> list[StoredEvent]:
    """Events without a seal, in the order of their ids; of those with ids from ``since`` on."""
    statement = (
        select(*_EVENT)
        .where(~exists().where(AuditSeal.event_id == AuditEvent.id))
        .order_by(AuditEvent.id)
        .limit(limit)
    )
    if since is not None:
        statement = statement.where(AuditEvent.id >= since)
    if before is not None:
        statement = statement.where(AuditEvent.happened_at < before)
    return [StoredEvent(*row) for row in await db.execute(statement)]


async def add_seals(db: AsyncSession, seals: Sequence[Seal]) -> None:
    """Add seals to the end of the chain."""
    await db.execute(insert(AuditSeal), [asdict(seal) for seal in seals])


async def list_sealed(database: Database, *, after: int, limit: int) -> list[SealedEvent]:
    """Seals with their events, in the order of the chain, read outside any transaction."""
    statement = (
        select(*_SEAL, *_EVENT)
        .join(AuditEvent, AuditEvent.id == AuditSeal.event_id, isouter=True)
        .where(AuditSeal.position > after)
        .order_by(AuditSeal.position)
        .limit(limit)
    )
    return await database.fetch_rows(statement, _sealed)


def _sealed(*row: Any) -> SealedEvent:  # noqa: ANN401 - a row holds what its columns hold
    own = len(_SEAL)
    event = None if row[own] is None else StoredEvent(*row[own:])
    return SealedEvent(Seal(*row[:own]), event)


async def count(database: Database) -> int:
    """How many seals there are, by their places."""
    statement = select(func.coalesce(func.max(AuditSeal.position), 0))
    statement = statement.add_columns(func.coalesce(func.min(AuditSeal.position), 1))
    [(last, first)] = await database.fetch_rows(statement, lambda *row: row)
    return int(last) - int(first) + 1


async def list_checkpoints(database: Database) -> list[Checkpoint]:
    """Every checkpoint, in the order of the chain, read outside any transaction."""
    statement = select(*_CHECKPOINT).order_by(AuditCheckpoint.position)
    return await database.fetch_rows(statement, Checkpoint)


async def find_last_checkpoint(
    db: AsyncSession, *, made_before: datetime | None = None
) -> Checkpoint | None:
    """The last checkpoint, of those made before a time where that is given."""
    statement = select(*_CHECKPOINT).order_by(AuditCheckpoint.position.desc()).limit(1)
    if made_before is not None:
        statement = statement.where(AuditCheckpoint.made_at < made_before)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else Checkpoint(*row)


async def add_checkpoint(db: AsyncSession, checkpoint: Checkpoint) -> None:
    """Add a checkpoint."""
    await db.execute(insert(AuditCheckpoint).values(**asdict(checkpoint)))


async def remove_up_to(db: AsyncSession, position: int, *, limit: int) -> int:
    """Delete some events with seals up to a place, and the seals; how many there were."""
    if db.get_bind().dialect.name == "postgresql":
        # What the triggers on these tables ask for; see migration 0009.
        await db.execute(text("SET LOCAL auth_service.retention = 'on'"))
    some = (
        select(AuditSeal.position, AuditSeal.event_id)
        .where(AuditSeal.position <= position)
        .order_by(AuditSeal.position)
        .limit(limit)
    )
    found = (await db.execute(some)).all()
    options = {"synchronize_session": False}
    events = delete(AuditEvent).where(AuditEvent.id.in_([row.event_id for row in found]))
    await db.execute(events.execution_options(**options))
    seals = delete(AuditSeal).where(AuditSeal.position.in_([row.position for row in found]))
    await db.execute(seals.execution_options(**options))
    return len(found)


async def remove_checkpoints_before(db: AsyncSession, position: int) -> None:
    """Delete the checkpoints before a place."""
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(text("SET LOCAL auth_service.retention = 'on'"))
    await db.execute(
        delete(AuditCheckpoint)
        .where(AuditCheckpoint.position < position)
        .execution_options(synchronize_session=False)
    )


async def find_key(database: Database) -> bytes | None:
    """The key of the chain as it is kept, read outside any transaction."""
    found = await database.fetch_rows(select(AuditKey.secret).where(AuditKey.id == _KEY_ID), bytes)
    return found[0] if found else None


async def add_key(db: AsyncSession, secret: bytes, now: datetime) -> None:
    """Keep the key of the chain, unless there is one already."""
    to_table = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = to_table(AuditKey).values(id=_KEY_ID, secret=secret, created_at=now)
    await db.execute(statement.on_conflict_do_nothing())


async def replace_key(db: AsyncSession, secret: bytes) -> None:
    """Keep the same key under another wrapping."""
    await db.execute(update(AuditKey).where(AuditKey.id == _KEY_ID).values(secret=secret))


async def list_deleted_subjects(database: Database, action: str) -> set[UUID]:
    """Everybody whose account was deleted, by events that say so."""
    statement = select(AuditEvent.subject_id).where(
        AuditEvent.action == action, AuditEvent.subject_id.is_not(None)
    )
    return set(await database.fetch_rows(statement, lambda found: found))
