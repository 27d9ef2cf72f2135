"""``/users/me/sessions``, ``/users/me/security-events``: where one is logged in, what happened."""

from uuid import UUID

from fastapi import APIRouter, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.account.errors import SessionNotFound
from auth_service.flows.account.router import Flow
from auth_service.flows.account.schemas import SecurityEvent, SessionAnswer
from auth_service.identity.current_user import CurrentUser
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.pagination import Page, Paging
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/users/me", tags=["account"], route_class=JsonRoute)
_REFUSALS = (InvalidAccessToken, ValidationFailed, RateLimited)


@router.get("/sessions", responses=problems(*_REFUSALS))
async def list_sessions(
    user: CurrentUser, db: RequestTransaction, flow: Flow, asked: Paging
) -> Page[SessionAnswer]:
    """Where the caller is logged in, the newest login first."""
    found = await flow.list_sessions(db, user, after=asked.after, limit=asked.rows_to_read)
    shown, next_cursor = asked.cut(found)
    items = [SessionAnswer.of(session, current=user.id) for session in shown]
    return Page(items=items, next_cursor=next_cursor)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_REFUSALS, SessionNotFound),
)
async def end_session(
    session_id: UUID, user: CurrentUser, db: RequestTransaction, flow: Flow, client: Client
) -> None:
    """End one of the caller's sessions, the current one included."""
    await flow.end_session(db, user, session_id, client)


@router.delete(
    "/sessions", status_code=204, response_class=Response, responses=problems(*_REFUSALS)
)
async def end_other_sessions(
    user: CurrentUser, db: RequestTransaction, flow: Flow, client: Client
) -> None:
    """End all of the caller's sessions but the one that asks."""
    await flow.end_other_sessions(db, user, client)


@router.get("/security-events", responses=problems(*_REFUSALS))
async def list_security_events(
    user: CurrentUser, db: RequestTransaction, flow: Flow, asked: Paging
) -> Page[SecurityEvent]:
    """What happened on the caller's account, the newest first: logins, failures, changes."""
    found = await flow.list_events(db, user, before=asked.after, limit=asked.rows_to_read)
    shown, next_cursor = asked.cut(found)
    return Page(items=list(map(SecurityEvent.of, shown)), next_cursor=next_cursor)
