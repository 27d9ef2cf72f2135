"""A chain with some events in it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from auth_service.audit.actions import Action
from auth_service.audit.models import AuditEvent
from auth_service.audit.verification import Report
from auth_service.core.client import ClientInfo
from auth_service.core.ids import first_id_at, new_id
from tests.conftest import AppFactory

CLIENT = ClientInfo("203.0.113.7", "Firefox", "request-1")
COUNT = 12


@pytest.fixture
async def app(new_app: AppFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FastAPI]:
    """One that seals when a test says so."""
    async with new_app(audit_seal_interval=timedelta(hours=1)) as started:
        yield started


async def record(app: FastAPI, count: int = 1, **values: Any) -> None:
    async with app.state.database.transaction() as db:
        for number in range(count):
            await app.state.audit.record(
                db,
                **(
                    {"action": Action.LOGIN, "subject": new_id(), "actor": new_id()}
                    | {"client": CLIENT}
                    | values
                ),
                number=number,
            )


async def record_at(app: FastAPI, moment: datetime) -> None:
    """An event whose id was made at this moment."""
    async with app.state.database.transaction() as db:
        db.add(
            AuditEvent(
                id=first_id_at(moment),
                happened_at=moment,
                action="login",
                outcome="success",
                details={},
            )
        )


async def erase(app: FastAPI, user: UUID) -> None:
    """What the end of an account does to its events."""
    async with app.state.database.transaction() as db:
        await app.state.audit.record_deletion(db, user, actor=user)


@pytest.fixture
async def chain(app: FastAPI) -> FastAPI:
    """Twelve sealed events."""
    await record(app, COUNT)
    assert await app.state.audit_sealer.seal_all() == COUNT
    return app


async def verified(app: FastAPI, **options: Any) -> Report:
    report: Report = await app.state.audit_verification.verify(**options)
    return report


async def problems(app: FastAPI) -> list[tuple[int | None, str]]:
    return [(problem.position, problem.what) for problem in (await verified(app)).problems]


async def tamper(app: FastAPI, *statements: str) -> None:
    """Change rows as somebody would who may do anything in the database."""
    async with app.state.database.transaction() as db:
        if db.get_bind().dialect.name == "postgresql":
            await db.execute(text("SET LOCAL session_replication_role = 'replica'"))
        for statement in statements:
            await db.execute(text(statement))
