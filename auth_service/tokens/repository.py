"""SQL about signing keys."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.query import AnySelect
from auth_service.db.session import Database
from auth_service.tokens.models import SigningKey
from auth_service.tokens.signing_key import StoredKey

_ADVISORY_LOCK: Final = 0x6B657973  # "keys"

_ALL: Final[AnySelect] = select(
    SigningKey.kid,
    SigningKey.algorithm,
    SigningKey.state,
    SigningKey.public_jwk,
    SigningKey.private_key,
    SigningKey.created_at,
    SigningKey.signs_from,
    SigningKey.token_seconds,
    SigningKey.retired_at,
    SigningKey.published_until,
).order_by(SigningKey.created_at, SigningKey.kid)


async def list_keys(database: Database) -> list[StoredKey]:
    """Every key, the oldest first, read outside any transaction."""
    return await database.fetch_rows(_ALL, StoredKey)


async def lock_keys(db: AsyncSession) -> list[StoredKey]:
    """Every key, the oldest first, once no other worker is changing any; until the commit.

    On SQLite the transaction holds the write lock anyway.
    """
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    return [StoredKey(*row) for row in await db.execute(_ALL)]


async def add(db: AsyncSession, key: StoredKey) -> None:
    """Add a key, unless there is one of its algorithm and state already."""
    insert = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    await db.execute(insert(SigningKey).values(**asdict(key)).on_conflict_do_nothing())


async def replace(db: AsyncSession, key: StoredKey) -> None:
    """Store a key anew: its state, its times, its private half."""
    values: dict[str, Any] = asdict(key)
    await db.execute(update(SigningKey).where(SigningKey.kid == values.pop("kid")).values(**values))


async def remove(db: AsyncSession, keys: Iterable[StoredKey]) -> None:
    """Delete keys, their private halves with them."""
    await db.execute(delete(SigningKey).where(SigningKey.kid.in_([key.kid for key in keys])))
