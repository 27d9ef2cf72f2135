"""``GET /admin/audit``: what happened, as administrators look for it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from auth_service.admin.caller import ADMINISTRATOR
from auth_service.admin.users_schemas import Time
from auth_service.audit.actions import Action, Outcome
from auth_service.audit.repository import EventSearch, StoredEvent
from auth_service.audit.service import Audit
from auth_service.core.errors import ValidationFailed
from auth_service.identity.errors import Forbidden
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.dependencies import RequestTransaction
from auth_service.web.fields import Moment
from auth_service.web.pagination import Page, Paging
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/admin/audit",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)


class AuditRecord(BaseModel):
    """Something that happened: who did it, to whom, from where, and how it ended."""

    id: UUID
    at: Moment
    action: Action
    outcome: Outcome
    actor: UUID | None
    subject: UUID | None
    session_id: UUID | None
    client_id: UUID | None
    ip: str | None
    user_agent: str | None
    request_id: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, event: StoredEvent) -> "AuditRecord":
        """The answer for an event."""
        return cls(
            id=event.id,
            at=event.happened_at,
            action=Action(event.action),
            outcome=Outcome(event.outcome),
            actor=event.actor_id,
            subject=event.subject_id,
            session_id=event.session_id,
            client_id=event.client_id,
            ip=event.ip,
            user_agent=event.user_agent,
            request_id=event.request_id,
            details=event.details,
        )


async def get_event_search(
    actor: Annotated[UUID | None, Query(description="Who did it.")] = None,
    subject: Annotated[UUID | None, Query(description="Whom it was done to.")] = None,
    action: Annotated[Action | None, Query(description="What was done.")] = None,
    after: Annotated[Time | None, Query(description="A time in RFC 3339; later only.")] = None,
    before: Annotated[Time | None, Query(description="A time in RFC 3339; earlier only.")] = None,
) -> EventSearch:
    """Which events the query asks for."""
    return EventSearch(subject, actor, action.value if action else None, after, before)


@router.get("", responses=problems(InvalidAccessToken, Forbidden, ValidationFailed, RateLimited))
async def list_audit_events(
    request: Request,
    db: RequestTransaction,
    asked: Paging,
    search: Annotated[EventSearch, Depends(get_event_search)],
) -> Page[AuditRecord]:
    """What happened, the newest first: everything, or what meets all that the query asks for."""
    audit: Audit = request.app.state.audit
    found = await audit.search(db, search, before=asked.after, limit=asked.rows_to_read)
    shown, next_cursor = asked.cut(found)
    return Page(items=list(map(AuditRecord.of, shown)), next_cursor=next_cursor)
