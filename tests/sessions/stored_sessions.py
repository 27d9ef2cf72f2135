"""What the database holds about sessions, and what a test puts there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import delete, select, update

from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.sessions import refresh_token
from auth_service.sessions.models import Session
from auth_service.users.models import User
from tests.conftest import SECRET


@dataclass(frozen=True)
class Row:
    """A session's row, as far as it changes."""

    id: UUID
    counter: int
    rotated_at: datetime | None
    last_used_at: datetime
    ended_at: datetime | None
    ended_because: str | None
    refresh_salt: bytes


async def all_rows(database: Database) -> list[Row]:
    """Every session, the oldest first."""
    columns = (getattr(Session, name) for name in Row.__dataclass_fields__)
    async with database.transaction() as db:
        found = await db.execute(select(*columns).order_by(Session.created_at, Session.id))
        return [Row(*row) for row in found]


async def row_of(database: Database, session_id: str) -> Row:
    [found] = [row for row in await all_rows(database) if row.id == UUID(session_id)]
    return found


async def forge(
    database: Database, session_id: str, counter: int, *secrets: str
) -> refresh_token.RawRefreshToken:
    """A token of any counter, as only the service itself can make it."""
    row = await row_of(database, session_id)
    return refresh_token.make(row.id, counter, Keyring.of(secrets or [SECRET]), row.refresh_salt)


async def change_user(database: Database, **values: Any) -> None:
    """Change the only account's row behind the service's back."""
    async with database.transaction() as db:
        await db.execute(update(User).values(**values))


async def delete_user(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute(delete(User))


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/refresh", json={"refresh_token": token})


async def refreshed(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """The tokens that a good refresh answers."""
    answer = await refresh(client, token)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
