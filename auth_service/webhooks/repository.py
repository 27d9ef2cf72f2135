"""SQL about webhook endpoints."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.webhooks.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """An endpoint as the database keeps it."""

    id: UUID
    url: str
    events: list[str]
    secret: bytes
    previous_secret: bytes | None
    created_at: datetime
    disabled_at: datetime | None
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0


_COLUMNS: Final = tuple(getattr(WebhookEndpoint, name) for name in StoredEndpoint.__slots__)
_BY_ID: Final = RowQuery(
    select(*_COLUMNS).where(WebhookEndpoint.id == bindparam("endpoint_id")), StoredEndpoint
)


async def find(database: Database, endpoint_id: UUID) -> StoredEndpoint | None:
    """An endpoint, read outside any transaction."""
    return await database.fetch_row(_BY_ID, endpoint_id=endpoint_id)


async def lock(db: AsyncSession, endpoint_id: UUID) -> StoredEndpoint | None:
    """An endpoint, which nobody else changes until the commit."""
    statement = select(*_COLUMNS).where(WebhookEndpoint.id == endpoint_id).with_for_update()
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else StoredEndpoint(*row)


async def list_enabled(db: AsyncSession) -> list[StoredEndpoint]:
    """Every endpoint that gets events; there are few."""
    statement = select(*_COLUMNS).where(WebhookEndpoint.disabled_at.is_(None))
    return [StoredEndpoint(*row) for row in await db.execute(statement)]


async def list_page(db: AsyncSession, *, after: UUID | None, limit: int) -> list[StoredEndpoint]:
    """Endpoints in the order they were made; those after ``after``."""
    statement = select(*_COLUMNS).order_by(WebhookEndpoint.id).limit(limit)
    if after is not None:
        statement = statement.where(WebhookEndpoint.id > after)
    return [StoredEndpoint(*row) for row in await db.execute(statement)]


async def add(db: AsyncSession, endpoint: StoredEndpoint) -> None:
    """Add an endpoint."""
    await db.execute(insert(WebhookEndpoint).values(**asdict(endpoint)))


async def change(
    db: AsyncSession,
    endpoint_id: UUID,
    **values: Any,  # noqa: ANN401 - whatever a column takes
) -> bool:
    """Set columns of an endpoint; False where there is none."""
    found = await db.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(**values)
        .returning(WebhookEndpoint.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None


async def remove(db: AsyncSession, endpoint_id: UUID) -> bool:
    """Delete an endpoint; False where there is none."""
    found = await db.execute(
        delete(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .returning(WebhookEndpoint.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None
