"""``POST /auth/refresh`` and ``POST /auth/logout``."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from auth_service.core.client import ClientInfo
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.flows.session.schemas import LogoutRequest, RefreshRequest
from auth_service.flows.session.service import SessionFlow
from auth_service.identity.current_user import BearerToken, authenticate
from auth_service.sessions import cookie
from auth_service.sessions.delivery import deliver
from auth_service.sessions.errors import CsrfRejected, InvalidRefreshToken
from auth_service.sessions.schemas import TokenAnswer
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.cookies import clear_site_data
from auth_service.web.dependencies import AppSettings, Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited, enforce
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(prefix="/auth", tags=["people"], route_class=JsonRoute)


async def get_session_flow(request: Request) -> SessionFlow:
    """The use cases of somebody who is logged in already."""
    flow: SessionFlow = request.app.state.session_flow
    return flow


Flow = Annotated[SessionFlow, Depends(get_session_flow)]


async def count_refresh(request: Request, session_id: UUID) -> None:
    """Count a refresh against the limit of its session."""
    await enforce(request, "refresh", str(session_id))


@router.post(
    "/refresh",
    response_model_exclude_none=True,
    responses=problems(
        MalformedBody,
        InvalidRefreshToken,
        CsrfRejected,
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        RateLimited,
    ),
)
async def refresh(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    db: RequestTransaction,
    flow: Flow,
    settings: AppSettings,
    client: Client,
    body: RefreshRequest | None = None,
) -> TokenAnswer:
    """Exchange a refresh token for the next one and a new access token.

    Each refresh token is good once. The same one again within a few seconds gets the same answer
    (parallel tabs, a lost answer); later it means that somebody else has it, and the session ends.
    Where the cookie carries the token, leave the body empty.
    """
    token = body.refresh_token if body else None
    by_cookie = token is None
    if token is None:
        token = cookie.find(request, settings)
    if token is None:
        raise _missing(body)
    tokens = await flow.refresh(db, token, client, partial(count_refresh, request))
    return deliver(tokens, response, by_cookie=by_cookie, settings=settings)


@router.post(
    "/logout",
    status_code=204,
    response_class=Response,
    openapi_extra={"security": [{}]},
    responses=problems(
        MalformedBody, CsrfRejected, BodyTooLarge, UnsupportedMediaType, ValidationFailed
    ),
)
async def log_out(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    db: RequestTransaction,
    flow: Flow,
    settings: AppSettings,
    bearer: BearerToken,
    client: Client,
    body: LogoutRequest | None = None,
) -> None:
    """End the session that the refresh token, the access token or the cookie belongs to.

    A token that is dead already or was never ours is answered alike. The cookie is cleared in any
    case, except when another site made the browser ask.
    """
    if body and body.refresh_token is not None:
        await flow.end_by_refresh_token(db, body.refresh_token, client)
    elif (
        bearer is None
        or not await _end_by_access_token(request, db, flow, bearer, client)
        # A page of ours sends both: what its browser is told to forget must not live on.
        or cookie.may_be_used(request, settings)
    ):
        token = cookie.find(request, settings)
        if token is not None:
            await flow.end_by_refresh_token(db, token, client)
    cookie.clear(request, response, settings)
    clear_site_data(response)


async def _end_by_access_token(
    request: Request, db: RequestTransaction, flow: SessionFlow, bearer: str, client: ClientInfo
) -> bool:
    state = request.app.state
    try:
        session = await authenticate(bearer, state.access_tokens, state.sessions)
    except InvalidAccessToken:
        return False
    await flow.end(db, session, client)
    return True


def _missing(body: RefreshRequest | None) -> InvalidRefreshToken | ValidationFailed:
    """A body without a token is a mistake; neither body nor cookie is just not logged in."""
    if body is None:
        return InvalidRefreshToken()
    fault = FieldFault("/refresh_token", "missing", "This field is required without the cookie.")
    return ValidationFailed((fault,))
