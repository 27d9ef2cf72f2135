"""``/users/me``: one's own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from auth_service.core.errors import ValidationFailed
from auth_service.flows.account.errors import LastAdmin
from auth_service.flows.account.export import Exports
from auth_service.flows.account.schemas import (
    AccountExport,
    DeletionRequest,
    PasswordChangeRequest,
)
from auth_service.flows.account.service import OwnAccount
from auth_service.identity.current_user import CurrentUser
from auth_service.methods.password.errors import Busy, ReauthenticationFailed
from auth_service.sessions import cookie
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.users.schemas import UserAnswer
from auth_service.web.cookies import clear_site_data
from auth_service.web.dependencies import AppSettings, Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/users", tags=["account"], route_class=JsonRoute)
_REFUSALS = (InvalidAccessToken, RateLimited)
_REFUSED_BODIES = (MalformedBody, BodyTooLarge, UnsupportedMediaType, ValidationFailed)


async def get_own_account(request: Request) -> OwnAccount:
    """The use cases of somebody who is logged in."""
    flow: OwnAccount = request.app.state.own_account
    return flow


Flow = Annotated[OwnAccount, Depends(get_own_account)]


@router.get("/me", responses=problems(*_REFUSALS))
async def get_current_user(user: CurrentUser) -> UserAnswer:
    """The account that the access token belongs to."""
    return UserAnswer.of(user.account)


@router.put(
    "/me/password",
    status_code=204,
    response_class=Response,
    responses=problems(*_REFUSALS, *_REFUSED_BODIES, ReauthenticationFailed, Busy),
)
async def change_password(
    body: PasswordChangeRequest,
    user: CurrentUser,
    db: RequestTransaction,
    flow: Flow,
    client: Client,
) -> None:
    """Set a new password; the current one is asked for. Every other session ends."""
    await flow.change_password(db, user, body.current_password, body.new_password, client)


@router.delete(
    "/me",
    status_code=204,
    response_class=Response,
    responses=problems(*_REFUSALS, *_REFUSED_BODIES, ReauthenticationFailed, LastAdmin, Busy),
)
async def delete_account(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    body: DeletionRequest,
    user: CurrentUser,
    db: RequestTransaction,
    flow: Flow,
    client: Client,
    settings: AppSettings,
) -> None:
    """Delete the account with all personal data. The address is then free for a new account.

    Where a change of address can still be undone, the account is closed at once (sessions are
    revoked and login is refused) and deleted when the undo link expires: until then the link
    reopens it. The last administrator cannot be deleted.
    """
    await flow.delete(db, user.account, body.password, client)
    cookie.clear(request, response, settings)
    clear_site_data(response)


@router.get("/me/export", response_model=AccountExport, responses=problems(*_REFUSALS))
async def export_account(
    request: Request, user: CurrentUser, db: RequestTransaction, client: Client
) -> StreamingResponse:
    """Everything that is kept about the caller, as JSON.

    It is sent while it is read: an answer that ends in the middle of the JSON is not whole.
    """
    exports: Exports = request.app.state.exports
    parts = await exports.export(db, user, client)
    return StreamingResponse(parts, media_type="application/json")
