"""``POST /auth/register``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from auth_service.core.errors import ValidationFailed
from auth_service.flows.registration.errors import EmailTaken, RegistrationClosed
from auth_service.flows.registration.schemas import RegistrationRequest
from auth_service.flows.registration.service import Registrations
from auth_service.methods.password.errors import Busy
from auth_service.users.schemas import UserAnswer
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, limited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/auth", tags=["people"], route_class=JsonRoute)


async def get_registrations(request: Request) -> Registrations:
    """The use cases of registration."""
    registrations: Registrations = request.app.state.registrations
    return registrations


@router.post(
    "/register",
    status_code=201,
    response_model=UserAnswer,
    dependencies=[Depends(limited("anonymous"))],
    responses={
        202: {
            "description": "Accepted: where registration is private, this is always the answer",
            "content": {"application/json": {"schema": {"type": "object"}, "example": {}}},
        },
        **problems(
            MalformedBody,
            RegistrationClosed,
            EmailTaken,
            BodyTooLarge,
            UnsupportedMediaType,
            ValidationFailed,
            RateLimited,
            Busy,
        ),
    },
)
async def register(
    body: RegistrationRequest,
    db: RequestTransaction,
    registrations: Annotated[Registrations, Depends(get_registrations)],
    client: Client,
) -> UserAnswer | Response:
    """Make an account with an address and a password.

    The password needs 8 to 256 characters, any of them, spaces included; it must not be one of
    the 10,000 most common ones, the address, or the name of this service.
    """
    account = await registrations.register(db, body.email, body.password, client)
    return JSONResponse({}, status_code=202) if account is None else UserAnswer.of(account)
