"""``/admin/users/{id}/…``: a password reset, an unlock, sessions."""

from uuid import UUID

from fastapi import APIRouter, Response

from auth_service.admin.acting import Acting
from auth_service.admin.caller import ADMINISTRATOR, RECENTLY_LOGGED_IN, Administrator
from auth_service.admin.errors import UserNotFound
from auth_service.admin.users_router import REFUSALS, Administration
from auth_service.admin.users_schemas import UserSession
from auth_service.identity.errors import InsufficientUserAuthentication
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.pagination import Page, Paging
from auth_service.web.problems import problems
from auth_service.web.schemas import Accepted
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/admin/users/{user_id}",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)
_CHANGES = problems(*REFUSALS, InsufficientUserAuthentication, UserNotFound)


@router.post(
    "/password-reset",
    status_code=202,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=_CHANGES,
)
async def reset_user_password(
    user_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
) -> Accepted:
    """Void somebody's password and log them out everywhere; they get a link to set another.

    Needs a login of the last ten minutes.
    """
    await administration.reset_password(db, Acting.of(admin, client), user_id)
    return Accepted()


@router.post(
    "/unlock",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=_CHANGES,
)
async def unlock_user(
    user_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
) -> None:
    """Have a password work again that wrong ones have stopped or slowed.

    Needs a login of the last ten minutes.
    """
    await administration.unlock(db, Acting.of(admin, client), user_id)


@router.get("/sessions", responses=problems(*REFUSALS, UserNotFound))
async def list_user_sessions(
    user_id: UUID, db: RequestTransaction, administration: Administration, asked: Paging
) -> Page[UserSession]:
    """Where somebody is logged in, the newest login first."""
    found = await administration.list_sessions(
        db, user_id, after=asked.after, limit=asked.rows_to_read
    )
    shown, next_cursor = asked.cut(found)
    return Page(items=[UserSession.of(session) for session in shown], next_cursor=next_cursor)


@router.delete(
    "/sessions",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=_CHANGES,
)
async def end_user_sessions(
    user_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
) -> None:
    """Log somebody out everywhere. Needs a login of the last ten minutes."""
    await administration.end_sessions(db, Acting.of(admin, client), user_id)
