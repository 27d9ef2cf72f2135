"""SQL about the secrets that have signed."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.session import Database
from auth_service.secret_keys.models import SigningSecret


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret that was first once, as the database knows it."""

    fingerprint: bytes
    first_seen_at: datetime
    signed_until: datetime | None


_COLUMNS: Final = tuple(getattr(SigningSecret, name) for name in StoredSecret.__slots__)


async def list_all(database: Database) -> list[StoredSecret]:
    """Every secret that has signed, the oldest first."""
    statement = select(*_COLUMNS).order_by(SigningSecret.first_seen_at, SigningSecret.fingerprint)
    return await database.fetch_rows(statement, StoredSecret)


async def put_first(db: AsyncSession, fingerprint: bytes, *, now: datetime) -> None:
    """Note that a secret signs."""
    to_table = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    insert = to_table(SigningSecret).values(asdict(StoredSecret(fingerprint, now, None)))
    await db.execute(
        insert.on_conflict_do_update(
            index_elements=[SigningSecret.fingerprint], set_={"signed_until": None}
        )
    )


async def end(db: AsyncSession, fingerprints: Collection[bytes], *, now: datetime) -> None:
    """Note that secrets sign no longer, where they did until now."""
    await db.execute(
        update(SigningSecret)
        .where(SigningSecret.fingerprint.in_(fingerprints), SigningSecret.signed_until.is_(None))
        .values(signed_until=now)
        .execution_options(synchronize_session=False)
    )


async def remove(db: AsyncSession, fingerprint: bytes) -> bool:
    """Forget a secret; False where it is not known."""
    statement = (
        delete(SigningSecret)
        .where(SigningSecret.fingerprint == fingerprint)
        .returning(SigningSecret.fingerprint)
    )
    return (await db.scalar(statement)) is not None
