"""What the stack can do without us: bare FastAPI routes that do the same work as ours.

The row of a session and its account, read and answered as our current user is; two columns of one
row, as little as a read can be; a select and an update in a transaction as our refresh; a bcrypt
check on two threads as our login. No authentication, no checks, no limits.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from uuid import UUID

import bcrypt
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from auth_service.db.session import Database
from auth_service.sessions import repository
from auth_service.settings import Settings
from auth_service.users.models import User
from auth_service.users.schemas import UserAnswer

ROW = UUID(os.environ["BARE_ROW"])
SESSION = UUID(os.environ["BARE_SESSION"])
database = Database.from_settings(Settings.load())
engine = create_async_engine(os.environ["AUTH_DATABASE_URL"], pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
threads = ThreadPoolExecutor(2)
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(int(os.environ["AUTH_BCRYPT_ROUNDS"])))
READ = "SELECT id, email, created_at FROM users WHERE id = $1"


class Answer(BaseModel):
    """As much as a current user needs."""

    id: UUID
    email: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """One connection at the start, so that cold starts compare."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    yield
    await engine.dispose()
    await database.close()


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Nothing but an answer."""
    return {"status": "ok"}


@app.get("/session")
async def session() -> UserAnswer:
    """One row, read and answered the same way as our current user."""
    found = await repository.find(database, SESSION)
    assert found is not None
    return UserAnswer.of(found.account)


@app.get("/row")
async def row() -> Answer:
    """Two columns of one row, on the driver's connection from the pool."""
    connection = await engine.raw_connection()
    try:
        found = await connection.driver_connection.fetchrow(READ, ROW)  # type: ignore[union-attr]
    finally:
        connection.close()
    return Answer(id=found["id"], email=found["email"])


@app.get("/rotation")
async def rotation() -> Answer:
    """A select, an update, a commit."""
    async with sessions() as session:
        found = (
            await session.execute(
                select(User.id, User.email).where(User.id == bindparam("id")), {"id": ROW}
            )
        ).one()
        await session.execute(
            update(User).where(User.id == ROW).values(last_login_at=User.created_at)
        )
        await session.commit()
    return Answer(id=found.id, email=found.email)


@app.get("/hash")
async def check_hash() -> dict[str, str]:
    """One bcrypt check."""
    await asyncio.get_running_loop().run_in_executor(threads, bcrypt.checkpw, b"wrong", HASH)
    return {"status": "ok"}
