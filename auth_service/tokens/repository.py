"""SQL about signing keys."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.tokens.models import SigningKey
from auth_service.tokens.signing_key import StoredKey


async def list_keys(db: AsyncSession) -> list[StoredKey]:
    """Every key, the oldest first."""
    rows = await db.execute(
        select(
            SigningKey.kid,
            SigningKey.algorithm,
            SigningKey.state,
            SigningKey.public_jwk,
            SigningKey.private_key,
            SigningKey.created_at,
        ).order_by(SigningKey.created_at)
    )
    return [StoredKey(*row) for row in rows]


async def replace_private_key(db: AsyncSession, key: StoredKey) -> None:
    """Store the private half anew."""
    await db.execute(
        update(SigningKey).where(SigningKey.kid == key.kid).values(private_key=key.private_key)
    )


async def add_if_none_active(db: AsyncSession, key: StoredKey) -> None:
    """Add an active key, unless another worker has just added one for the same algorithm."""
    insert = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    await db.execute(
        insert(SigningKey)
        .values(
            kid=key.kid,
            algorithm=key.algorithm,
            state=key.state,
            public_jwk=key.public_jwk,
            private_key=key.private_key,
            created_at=key.created_at,
        )
        .on_conflict_do_nothing()
    )
