"""``POST /auth/password/forgot`` and ``POST /auth/password/reset``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.password_reset.schemas import ForgotRequest, ResetRequest
from auth_service.flows.password_reset.service import PasswordReset
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.methods.password.errors import Busy
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, limited
from auth_service.web.schemas import Accepted
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/auth/password",
    tags=["people"],
    route_class=JsonRoute,
    dependencies=[Depends(limited("anonymous"))],
)
_BODY_PROBLEMS = (MalformedBody, BodyTooLarge, UnsupportedMediaType, ValidationFailed, RateLimited)


async def get_password_reset(request: Request) -> PasswordReset:
    """The use cases of somebody who has forgotten their password."""
    flow: PasswordReset = request.app.state.password_reset
    return flow


Flow = Annotated[PasswordReset, Depends(get_password_reset)]


@router.post("/forgot", status_code=202, responses=problems(*_BODY_PROBLEMS))
async def forgot_password(
    body: ForgotRequest, db: RequestTransaction, flow: Flow, client: Client
) -> Accepted:
    """Have a link for a new password mailed to an address.

    The answer is the same whether the address has an account or not, and takes as long.
    """
    await flow.ask(db, body.email, client)
    return Accepted()


@router.post(
    "/reset",
    status_code=204,
    response_class=Response,
    responses=problems(*_BODY_PROBLEMS, InvalidToken, Busy),
)
async def reset_password(
    body: ResetRequest, db: RequestTransaction, flow: Flow, client: Client
) -> None:
    """Set a new password with the token from the mail.

    Every session of the account ends; log in with the new password. The token is good once. A
    password that breaks a rule does not use it up.
    """
    await flow.reset(db, body.token, body.new_password, client)
