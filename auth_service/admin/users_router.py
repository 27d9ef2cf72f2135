"""``/admin/users``: accounts, as administrators search and change them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import StringConstraints

from auth_service.admin.acting import Acting
from auth_service.admin.caller import (
    ADMINISTRATOR,
    RECENTLY_LOGGED_IN,
    Administrator,
)
from auth_service.admin.errors import PreconditionFailed, UserNotFound
from auth_service.admin.preconditions import IfMatch, entity_tag, precondition
from auth_service.admin.service import UserAdministration
from auth_service.admin.users_schemas import (
    NewUserRequest,
    Status,
    Time,
    UserChangeRequest,
    UserPage,
    UserRecord,
)
from auth_service.core.emails import key_prefix
from auth_service.core.errors import ValidationFailed
from auth_service.flows.account.errors import LastAdmin
from auth_service.flows.registration.errors import EmailTaken
from auth_service.identity.errors import Forbidden, InsufficientUserAuthentication
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.users.account import Account
from auth_service.users.directory_repository import Search
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.pagination import Paging
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

REFUSALS = (InvalidAccessToken, Forbidden, ValidationFailed, RateLimited)
_BODY = (MalformedBody, BodyTooLarge, UnsupportedMediaType)

router = APIRouter(
    prefix="/admin/users",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)


async def get_administration(request: Request) -> UserAdministration:
    """The use cases of whoever looks after accounts."""
    found: UserAdministration = request.app.state.user_administration
    return found


Administration = Annotated[UserAdministration, Depends(get_administration)]
ShortText = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^\x00]*$")]


async def get_search(
    email: Annotated[
        ShortText | None, Query(description="An address, or the beginning of one.")
    ] = None,
    role: Annotated[ShortText | None, Query(description="A role that the account has.")] = None,
    status: Annotated[Status | None, Query(description="Whether it may be used now.")] = None,
    created_after: Annotated[
        Time | None, Query(description="A time in RFC 3339, such as 2026-11-23T12:00:00Z.")
    ] = None,
) -> Search:
    """Which accounts the query asks for."""
    return Search(
        email_prefix=key_prefix(email) if email else None,
        role=role or None,
        enabled=None if status is None else status == "enabled",
        created_after=created_after,
    )


@router.get("", responses=problems(*REFUSALS))
async def list_users(
    request: Request,
    db: RequestTransaction,
    administration: Administration,
    asked: Paging,
    search: Annotated[Search, Depends(get_search)],
) -> UserPage:
    """Accounts, the newest first: all, or those that meet everything the query asks for."""
    found = await administration.list_page(db, search, before=asked.after, limit=asked.rows_to_read)
    return UserPage.of(found, asked, now=_now(request), hard_stop=_hard_stop(request))


@router.post(
    "",
    status_code=201,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(*REFUSALS, *_BODY, InsufficientUserAuthentication, EmailTaken),
)
async def create_user(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    body: NewUserRequest,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
) -> UserRecord:
    """Make an account for somebody, also where registration is closed.

    Its owner gets a mail with a link to set the password; nobody else ever knows it. Needs a login
    of the last ten minutes.
    """
    account = await administration.create(
        db,
        Acting.of(admin, client),
        body.email,
        roles=body.roles,
        verified=body.email_verified,
    )
    response.headers["Location"] = f"/admin/users/{account.id}"
    return _answered(request, response, account, locked=False)


@router.get("/{user_id}", responses=problems(*REFUSALS, UserNotFound))
async def get_user(
    request: Request, response: Response, user_id: UUID, administration: Administration
) -> UserRecord:
    """An account. `ETag` is what `If-Match` takes; a login does not change it."""
    entry = await administration.get(user_id)
    return _answered(request, response, entry.account, locked=entry.failures >= _hard_stop(request))


@router.patch(
    "/{user_id}",
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        *REFUSALS,
        *_BODY,
        InsufficientUserAuthentication,
        UserNotFound,
        LastAdmin,
        PreconditionFailed,
    ),
)
async def change_user(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    user_id: UUID,
    body: UserChangeRequest,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
    if_match: IfMatch = None,
) -> UserRecord:
    """Change roles, whether the account may be used, or whether its address is verified.

    The next request of that user notices. Who is disabled is logged out everywhere. Needs a login
    of the last ten minutes.
    """
    now = _now(request)
    entry = await administration.get(user_id)
    account = await administration.change(
        db,
        Acting.of(admin, client),
        user_id,
        body.change(is_disabled=not entry.account.is_enabled(now)),
        holds=precondition(if_match),
    )
    return _answered(request, response, account, locked=entry.failures >= _hard_stop(request))


@router.delete(
    "/{user_id}",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        *REFUSALS, InsufficientUserAuthentication, UserNotFound, LastAdmin, PreconditionFailed
    ),
)
async def delete_user(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    user_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    administration: Administration,
    client: Client,
    if_match: IfMatch = None,
) -> None:
    """Delete an account with all that is known about its owner, who is told.

    It cannot be brought back. Needs a login of the last ten minutes.
    """
    by = Acting.of(admin, client)
    await administration.delete(db, by, user_id, holds=precondition(if_match))


def _answered(
    request: Request, response: Response, account: Account, *, locked: bool
) -> UserRecord:
    response.headers["ETag"] = entity_tag(account)
    return UserRecord.of_account(account, now=_now(request), locked=locked)


def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock.now()
    return now


def _hard_stop(request: Request) -> int:
    return int(request.app.state.settings.throttle_hard_stop)
