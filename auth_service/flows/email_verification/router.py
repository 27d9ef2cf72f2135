"""``POST /auth/verify-email`` and ``POST /auth/verify-email/resend``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.email_verification.schemas import ResendRequest, VerifyRequest
from auth_service.flows.email_verification.service import EmailVerification
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, limited
from auth_service.web.schemas import Accepted
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/auth/verify-email",
    tags=["people"],
    route_class=JsonRoute,
    dependencies=[Depends(limited("anonymous"))],
)
_BODY_PROBLEMS = (MalformedBody, BodyTooLarge, UnsupportedMediaType, ValidationFailed, RateLimited)


async def get_email_verification(request: Request) -> EmailVerification:
    """The use cases of somebody who has a mail with a link before them, or misses one."""
    flow: EmailVerification = request.app.state.email_verification
    return flow


Flow = Annotated[EmailVerification, Depends(get_email_verification)]


@router.post(
    "",
    status_code=204,
    response_class=Response,
    responses=problems(*_BODY_PROBLEMS, InvalidToken),
)
async def verify_email(
    body: VerifyRequest, db: RequestTransaction, flow: Flow, client: Client
) -> None:
    """Confirm an address with the token from the mail: a new account's, or the one to change to.

    Only this request uses the token up. Opening the link does not, so no mail scanner does it.
    """
    await flow.verify(db, body.token, client)


@router.post("/resend", status_code=202, responses=problems(*_BODY_PROBLEMS))
async def resend_verification_email(
    body: ResendRequest, db: RequestTransaction, flow: Flow, client: Client
) -> Accepted:
    """Have the mail that confirms an address sent again.

    The answer is the same whether the address has an account or not. Links sent before stay good.
    """
    await flow.ask(db, body.email, client)
    return Accepted()
