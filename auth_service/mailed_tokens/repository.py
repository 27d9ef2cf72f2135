"""SQL about mailed tokens."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.batches import delete_batch
from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.mailed_tokens.models import MailedToken
from auth_service.mailed_tokens.token import MailedTokenHash, Purpose, StoredMailedToken

_COLUMNS: Final = tuple(getattr(MailedToken, name) for name in StoredMailedToken.__slots__)
_BY_HASH: Final = RowQuery(
    select(*_COLUMNS).where(MailedToken.token_hash == bindparam("token_hash")), StoredMailedToken
)


async def find(database: Database, token_hash: MailedTokenHash) -> StoredMailedToken | None:
    """A token, read outside any transaction."""
    return await database.fetch_row(_BY_HASH, token_hash=token_hash)


async def add(db: AsyncSession, token: StoredMailedToken) -> None:
    """Add a token."""
    db.add(MailedToken(**asdict(token)))
    await db.flush()


async def take(
    db: AsyncSession, token_hash: MailedTokenHash, purpose: Purpose, now: datetime
) -> StoredMailedToken | None:
    """Delete a token that is good, and give it back; of many callers exactly one gets it."""
    statement = (
        delete(MailedToken)
        .where(
            MailedToken.token_hash == token_hash,
            MailedToken.purpose == purpose.value,
            MailedToken.expires_at > now,
        )
        .returning(*_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else StoredMailedToken(*row)


async def remove(db: AsyncSession, user_id: UUID, purposes: Collection[Purpose]) -> None:
    """Delete a user's tokens for these purposes."""
    await db.execute(
        delete(MailedToken)
        .where(
            MailedToken.user_id == user_id,
            MailedToken.purpose.in_([purpose.value for purpose in purposes]),
        )
        .execution_options(synchronize_session=False)
    )


async def remove_made_after(db: AsyncSession, token: StoredMailedToken) -> None:
    """Delete the tokens of the same user that were made after this one."""
    made = tuple_(MailedToken.created_at, MailedToken.id)
    await db.execute(
        delete(MailedToken)
        .where(MailedToken.user_id == token.user_id, made > (token.created_at, token.id))
        .execution_options(synchronize_session=False)
    )


async def remove_all_but_newest(
    db: AsyncSession, user_id: UUID, purpose: Purpose, *, keep: int
) -> None:
    """Delete the oldest tokens of a user for a purpose, so that ``keep`` remain."""
    surplus = (
        select(MailedToken.id)
        .where(MailedToken.user_id == user_id, MailedToken.purpose == purpose.value)
        .order_by(MailedToken.created_at.desc(), MailedToken.id.desc())
        .offset(keep)
    )
    await db.execute(
        delete(MailedToken)
        .where(MailedToken.id.in_(surplus))
        .execution_options(synchronize_session=False)
    )


async def exists_for_another(
    db: AsyncSession, email_key: str, purpose: Purpose, *, user_id: UUID, now: datetime
) -> bool:
    """Whether somebody else has a good token for this purpose that is bound to the address."""
    found = await db.scalar(
        select(
            exists().where(
                MailedToken.email_key == email_key,
                MailedToken.purpose == purpose.value,
                MailedToken.user_id != user_id,
                MailedToken.expires_at > now,
            )
        )
    )
    return bool(found)


async def list_reserved(
    db: AsyncSession, email_keys: Collection[str], *, now: datetime
) -> set[str]:
    """Those of the addresses (by key) that an undo link keeps for somebody."""
    found = await db.scalars(
        select(MailedToken.email_key).where(
            MailedToken.email_key.in_(email_keys),
            MailedToken.purpose == Purpose.UNDO_EMAIL_CHANGE.value,
            MailedToken.expires_at > now,
        )
    )
    return set(found)


async def has_live(
    db: AsyncSession, user_id: UUID, purposes: Collection[Purpose], *, now: datetime
) -> bool:
    """Whether a user has a good token for one of the purposes."""
    found = await db.scalar(
        select(
            exists().where(
                MailedToken.user_id == user_id,
                MailedToken.purpose.in_([purpose.value for purpose in purposes]),
                MailedToken.expires_at > now,
            )
        )
    )
    return bool(found)


async def list_live(
    db: AsyncSession, user_id: UUID, purpose: Purpose, *, now: datetime
) -> list[StoredMailedToken]:
    """A user's good tokens for a purpose, the oldest first."""
    statement = (
        select(*_COLUMNS)
        .where(
            MailedToken.user_id == user_id,
            MailedToken.purpose == purpose.value,
            MailedToken.expires_at > now,
        )
        .order_by(MailedToken.created_at, MailedToken.id)
    )
    return [StoredMailedToken(*row) for row in await db.execute(statement)]


async def remove_expired(db: AsyncSession, *, now: datetime) -> int:
    """Delete some tokens that have expired; how many there were."""
    return await delete_batch(db, MailedToken.id, MailedToken.expires_at <= now)
