"""SQL about wishes for mail."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.session import Database
from auth_service.mailed_tokens.models import MailWish


@dataclass(frozen=True, slots=True)
class StoredWish:
    """A wish as the database keeps it: the address is ciphertext."""

    id: UUID
    kind: str
    address: bytes
    user_id: UUID | None
    ip: str | None
    user_agent: str | None
    request_id: str | None
    created_at: datetime


_COLUMNS: Final = tuple(getattr(MailWish, name) for name in StoredWish.__slots__)


async def add(db: AsyncSession, wish: StoredWish) -> None:
    """Add a wish."""
    db.add(MailWish(**asdict(wish)))
    await db.flush()


async def exist(database: Database) -> bool:
    """Whether there is any wish, read outside any transaction: mostly there is none."""
    return bool(await database.fetch_rows(select(MailWish.id).limit(1), UUID.__str__))


async def take_oldest(db: AsyncSession) -> StoredWish | None:
    """Delete the oldest wish that no other worker is at, and give it back."""
    statement = select(*_COLUMNS).order_by(MailWish.id).limit(1).with_for_update(skip_locked=True)
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        return None
    wish = StoredWish(*row)
    await remove(db, wish.id)
    return wish


async def remove(db: AsyncSession, wish_id: UUID) -> None:
    """Delete a wish."""
    await db.execute(delete(MailWish).where(MailWish.id == wish_id))


async def remove_of_user(db: AsyncSession, user_id: UUID) -> None:
    """Delete the wishes that a user made while logged in."""
    await db.execute(delete(MailWish).where(MailWish.user_id == user_id))
