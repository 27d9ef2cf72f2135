"""The events that were written down."""

from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import select

from auth_service.audit.models import AuditEvent


async def events(app: FastAPI) -> list[AuditEvent]:
    """Every event, the oldest first."""
    async with app.state.database.transaction() as db:
        return list(await db.scalars(select(AuditEvent).order_by(AuditEvent.id)))


async def actions(app: FastAPI, *, of: UUID | None = None) -> list[str]:
    """What happened, in order: to somebody, where that is given; failures are marked."""
    return [
        event.action if event.outcome == "success" else f"{event.action} failed"
        for event in await events(app)
        if of is None or event.subject_id == of
    ]
