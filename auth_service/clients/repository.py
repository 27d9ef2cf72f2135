"""SQL about service clients."""

from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, null, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.clients.client import StoredClient
from auth_service.clients.client_secret import ClientSecretHash
from auth_service.clients.models import RevokedToken, ServiceClient
from auth_service.db.batches import delete_batch
from auth_service.db.query import RowQuery
from auth_service.db.session import Database

_COLUMNS: Final = tuple(getattr(ServiceClient, name) for name in StoredClient.__slots__)
_BY_ID: Final = RowQuery(
    select(*_COLUMNS).where(ServiceClient.id == bindparam("client_id")), StoredClient
)
_REVOKED: Final = RowQuery(
    select(RevokedToken.jti).where(RevokedToken.jti == bindparam("jti")), str
)


async def find(database: Database, client_id: UUID) -> StoredClient | None:
    """A client, read outside any transaction."""
    return await database.fetch_row(_BY_ID, client_id=client_id)


async def list_page(db: AsyncSession, *, after: UUID | None, limit: int) -> list[StoredClient]:
    """Clients in the order they were made, those after ``after``, at most ``limit``."""
    statement = select(*_COLUMNS).order_by(ServiceClient.id).limit(limit)
    if after is not None:
        statement = statement.where(ServiceClient.id > after)
    return [StoredClient(*row) for row in await db.execute(statement)]


async def list_named(db: AsyncSession, name: str) -> list[StoredClient]:
    """The clients with a name; names need not be unique."""
    statement = select(*_COLUMNS).where(ServiceClient.name == name).order_by(ServiceClient.id)
    return [StoredClient(*row) for row in await db.execute(statement)]


async def add(db: AsyncSession, client: StoredClient) -> None:
    """Add a client."""
    db.add(ServiceClient(**asdict(client)))
    await db.flush()


async def change_secret(
    db: AsyncSession,
    client_id: UUID,
    *,
    new_hash: ClientSecretHash,
    keep_previous: bool,
    now: datetime,
) -> StoredClient | None:
    """Set a new secret in one statement: the one in use becomes the previous one, or is gone."""
    statement = (
        update(ServiceClient)
        .where(ServiceClient.id == client_id)
        .values(
            previous_secret_hash=ServiceClient.secret_hash if keep_previous else null(),
            secret_hash=new_hash,
            secret_changed_at=now,
        )
        .returning(*_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else StoredClient(*row)


async def remove(db: AsyncSession, client_id: UUID) -> bool:
    """Delete a client; False where there is none."""
    found = await db.execute(
        delete(ServiceClient)
        .where(ServiceClient.id == client_id)
        .returning(ServiceClient.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None


async def is_revoked(database: Database, jti: str) -> bool:
    """Whether a client's token was revoked, read outside any transaction."""
    return await database.fetch_row(_REVOKED, jti=jti) is not None


async def add_revoked(db: AsyncSession, jti: str, *, expires_at: datetime, now: datetime) -> None:
    """Note that a token is refused from now on; once is enough."""
    insert = postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
    await db.execute(
        insert(RevokedToken)
        .values(jti=jti, expires_at=expires_at, revoked_at=now)
        .on_conflict_do_nothing()
    )


async def list_revoked(
    database: Database, since: datetime, *, limit: int
) -> list[tuple[datetime, str]]:
    """When tokens were revoked, and which; those after a time, the oldest first."""
    statement = (
        select(RevokedToken.revoked_at, RevokedToken.jti)
        .where(RevokedToken.revoked_at > since)
        .order_by(RevokedToken.revoked_at)
        .limit(limit)
    )
    return await database.fetch_rows(statement, lambda at, jti: (at, jti))


async def remove_expired(db: AsyncSession, *, now: datetime) -> int:
    """Delete some revoked tokens that have expired anyway; how many there were."""
    return await delete_batch(db, RevokedToken.jti, RevokedToken.expires_at <= now)
