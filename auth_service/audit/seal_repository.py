"""SQL about the chain of seals, its checkpoints and its key."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.chain import Checkpoint, Cut, Seal
from auth_service.audit.models import (
    KEY_ID,
    AuditCheckpoint,
    AuditCut,
    AuditEvent,
    AuditKey,
    AuditSeal,
)
from auth_service.audit.repository import StoredEvent
from auth_service.db.session import Database

_EVENT: Final = tuple(getattr(AuditEvent, name) for name in StoredEvent.__slots__)
_SEAL: Final = tuple(getattr(AuditSeal, name) for name in Seal.__slots__)
_CHECKPOINT: Final = tuple(getattr(AuditCheckpoint, each.name) for each in fields(Checkpoint))
_CUT: Final = tuple(getattr(AuditCut, each.name) for each in fields(Cut))


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """A seal with the event that it belongs to; None where that is gone."""

    seal: Seal
    event: StoredEvent | None


async def try_lock(db: AsyncSession, number: int) -> bool:
    """Be the only one who changes the chain, until the commit; False where somebody else does.

    ``number`` is that of an advisory lock. On SQLite the transaction holds the write lock anyway.
    """
    if db.get_bind().dialect.name != "postgresql":
        return True
    return bool(await db.scalar(select(func.pg_try_advisory_xact_lock(number))))


async def lock(db: AsyncSession, number: int) -> None:
    """Be the only one who changes the chain, until the commit; waits for whoever does."""
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(select(func.pg_advisory_xact_lock(number)))


async def find_last(db: AsyncSession) -> Seal | None:
    """The last seal of the chain; None where there is none, or the retention left none."""
    statement = select(*_SEAL).order_by(AuditSeal.position.desc()).limit(1)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else Seal(*row)


async def find_end_of_some(db: AsyncSession, *, up_to: int, count: int) -> Seal | None:
    """The last of the first ``count`` seals up to a place; None where there are none."""
    first = select(func.min(AuditSeal.position)).scalar_subquery()
    statement = (
        select(*_SEAL)
        .where(AuditSeal.position <= up_to, AuditSeal.position < first + count)
        .order_by(AuditSeal.position.desc())
        .limit(1)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else Seal(*row)


async def find_end_of_ids(db: AsyncSession, *, after: UUID, count: int) -> UUID | None:
    """The id of the last of so many events after another; None where there are no more of them."""
    statement = select(AuditEvent.id).where(AuditEvent.id > after)
    return await db.scalar(statement.order_by(AuditEvent.id).offset(count - 1).limit(1))


async def list_unsealed(db: AsyncSession, *, after: UUID, up_to: UUID | None) -> list[StoredEvent]:
    """Events without a seal, in the order of their ids, between two of them or to the end."""
    statement = (
        select(*_EVENT)
        .where(AuditEvent.id > after, ~exists().where(AuditSeal.event_id == AuditEvent.id))
        .order_by(AuditEvent.id)
    )
    if up_to is not None:
        statement = statement.where(AuditEvent.id <= up_to)
    return [StoredEvent(*row) for row in await db.execute(statement)]


async def find_oldest_unsealed(database: Database, *, after: UUID) -> datetime | None:
    """When the first event without a seal happened, of those with later ids; in no transaction."""
    statement = (
        select(AuditEvent.happened_at)
        .where(AuditEvent.id > after, ~exists().where(AuditSeal.event_id == AuditEvent.id))
        .order_by(AuditEvent.id)
        .limit(1)
    )
    found = await database.fetch_rows(statement, lambda at: at)
    return found[0] if found else None


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


async def list_checkpoints(database: Database, *, after: int, up_to: int) -> list[Checkpoint]:
    """The checkpoints between two places, read outside any transaction."""
    statement = select(*_CHECKPOINT).where(
        AuditCheckpoint.position > after, AuditCheckpoint.position <= up_to
    )
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


async def find_cut(db: AsyncSession) -> Cut | None:
    """Where the retention last cut the chain; None where it never did."""
    statement = select(*_CUT).order_by(AuditCut.position.desc()).limit(1)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else Cut(*row)


async def add_cut(db: AsyncSession, cut: Cut) -> None:
    """Add the place that the chain goes on from."""
    await db.execute(insert(AuditCut).values(**asdict(cut)))


async def remove_up_to(db: AsyncSession, position: int) -> None:
    """Delete the events with seals up to a place, those seals, and what was signed before it."""
    if db.get_bind().dialect.name == "postgresql":
        # The one way there is: nobody may delete from these tables. See migration 0012.
        await db.execute(text("SELECT auth_audit_remove(:position)"), {"position": position})
        return
    gone = select(AuditSeal.event_id).where(AuditSeal.position <= position)
    for statement in (
        delete(AuditEvent).where(AuditEvent.id.in_(gone)),
        delete(AuditSeal).where(AuditSeal.position <= position),
        delete(AuditCheckpoint).where(AuditCheckpoint.position < position),
        delete(AuditCut).where(AuditCut.position < position),
    ):
        await db.execute(statement.execution_options(synchronize_session=False))


async def find_key(database: Database) -> bytes | None:
    """The key of the chain as it is kept, read outside any transaction."""
    found = await database.fetch_rows(select(AuditKey.secret).where(AuditKey.id == KEY_ID), bytes)
    return found[0] if found else None


async def find_key_in(db: AsyncSession) -> bytes | None:
    """The key of the chain as it is kept."""
    return await db.scalar(select(AuditKey.secret).where(AuditKey.id == KEY_ID))


async def add_key(db: AsyncSession, secret: bytes, now: datetime) -> None:
    """Keep the key of the chain, unless there is one already."""
    to_table = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = to_table(AuditKey).values(id=KEY_ID, secret=secret, created_at=now)
    await db.execute(statement.on_conflict_do_nothing())


async def list_deletions(
    database: Database, subjects: Collection[UUID]
) -> list[tuple[UUID, dict[str, Any]]]:
    """The events that say that an account was deleted: whose, and their details."""
    if not subjects:
        return []
    statement = select(AuditEvent.subject_id, AuditEvent.details).where(
        AuditEvent.subject_id.in_(subjects),
        AuditEvent.action == Action.USER_DELETED.value,
        AuditEvent.outcome == Outcome.SUCCESS.value,
    )
    return await database.fetch_rows(statement, lambda *row: row)
