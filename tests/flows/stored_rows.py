"""What stayed in the database: the rows themselves, read and changed behind the service's back."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import select, text, update

from auth_service.db.session import Database
from auth_service.sessions.models import Session
from auth_service.users.models import User


async def stored_users(app: FastAPI) -> list[User]:
    """Every account, the oldest first."""
    database: Database = app.state.database
    async with database.transaction() as db:
        return list(await db.scalars(select(User).order_by(User.id)))


async def stored_sessions(app: FastAPI) -> list[Session]:
    """Every session, the oldest first."""
    database: Database = app.state.database
    async with database.transaction() as db:
        return list(await db.scalars(select(Session).order_by(Session.id)))


async def change_users(app: FastAPI, **values: Any) -> None:
    """Set columns of every account."""
    database: Database = app.state.database
    async with database.transaction() as db:
        await db.execute(update(User).values(**values))


async def execute(app: FastAPI, *statements: str) -> None:
    """Run SQL."""
    database: Database = app.state.database
    async with database.transaction() as db:
        for statement in statements:
            await db.execute(text(statement))
