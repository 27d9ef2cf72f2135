"""``POST /users/me/email`` and ``POST /auth/email-change/undo``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.email_change.schemas import EmailChangeRequest, UndoRequest
from auth_service.flows.email_change.service import EmailChange
from auth_service.identity.current_user import CurrentUser
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.methods.password.errors import Busy, ReauthenticationFailed
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, limited
from auth_service.web.schemas import Accepted
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(route_class=JsonRoute)
_BODY_PROBLEMS = (MalformedBody, BodyTooLarge, UnsupportedMediaType, ValidationFailed, RateLimited)


async def get_email_change(request: Request) -> EmailChange:
    """The use cases of somebody who wants another address, or does not."""
    flow: EmailChange = request.app.state.email_change
    return flow


Flow = Annotated[EmailChange, Depends(get_email_change)]


@router.post(
    "/users/me/email",
    status_code=202,
    tags=["account"],
    responses=problems(*_BODY_PROBLEMS, InvalidAccessToken, ReauthenticationFailed, Busy),
)
async def change_email(
    body: EmailChangeRequest,
    user: CurrentUser,
    db: RequestTransaction,
    flow: Flow,
    client: Client,
) -> Accepted:
    """Ask for another address. It becomes the account's once the link mailed there is confirmed.

    `POST /auth/verify-email` does that. The old address is told then, and can undo it for 72 hours.
    The answer does not tell whether the new address is taken.
    """
    await flow.ask(db, user.account, body.new_email, body.password, client)
    return Accepted()


@router.post(
    "/auth/email-change/undo",
    status_code=204,
    response_class=Response,
    tags=["people"],
    dependencies=[Depends(limited("anonymous"))],
    responses=problems(*_BODY_PROBLEMS, InvalidToken),
)
async def undo_email_change(
    body: UndoRequest, db: RequestTransaction, flow: Flow, client: Client
) -> None:
    """Take a change of address back, with the token from the mail to the old address.

    Every session ends and the password is void: a mail to the old address has a link for a new one.
    """
    await flow.undo(db, body.token, client)
