"""``POST /oauth/token``: the token endpoint (RFC 6749 section 3.2), for Swagger UI and others."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request, Response

from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email, InvalidEmailError
from auth_service.flows.login.errors import InvalidCredentials
from auth_service.flows.service_tokens.client_authentication import refuse_unknown_client
from auth_service.flows.service_tokens.errors import InvalidTokenRequest, UnsupportedGrantType
from auth_service.flows.service_tokens.schemas import OAuthErrorAnswer, TokenRequest
from auth_service.flows.session.router import count_refresh
from auth_service.sessions.schemas import TokenAnswer
from auth_service.sessions.service import SessionTokens
from auth_service.web.client_ip import network_key
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.rate_limit import enforce
from auth_service.web.strict_requests import FormRoute

router = APIRouter(prefix="/oauth", tags=["services"], route_class=FormRoute)
_DESCRIPTIONS: Final = {
    400: "The request cannot be granted",
    401: "Unknown client",
    413: "The form is too large",
    415: "Not a form",
    429: "Too many requests",
    503: "The service cannot answer right now",
}
_Responses = dict[int | str, dict[str, Any]]
_RESPONSES: Final[_Responses] = {
    status: {"model": OAuthErrorAnswer, "description": description}
    for status, description in _DESCRIPTIONS.items()
}


@router.post("/token", response_model_exclude_none=True, responses=_RESPONSES)
async def issue_token(
    request: Request,
    response: Response,
    form: Annotated[TokenRequest, Form()],
    db: RequestTransaction,
    client: Client,
) -> TokenAnswer:
    """Log in (`grant_type=password`) or refresh (`grant_type=refresh_token`) by form.

    This is what the Authorize dialog of this page sends. It obeys every rule of `POST /auth/login`
    and `POST /auth/refresh`, and answers errors in the form of RFC 6749.
    """
    response.headers["Pragma"] = "no-cache"
    refuse_unknown_client(request.headers.get("authorization"), form)
    if form.grant_type == "password":
        tokens = await _by_password(request, db, form, client)
    elif form.grant_type == "refresh_token":
        tokens = await _by_refresh_token(request, db, form)
    else:
        raise UnsupportedGrantType
    return TokenAnswer.of(tokens, with_refresh_token=True)


async def _by_password(
    request: Request, db: RequestTransaction, form: TokenRequest, client: ClientInfo
) -> SessionTokens:
    await enforce(request, "login", network_key(client.ip))
    if not form.username or not form.password:
        raise InvalidTokenRequest
    try:
        email = Email.parse(form.username)
    except InvalidEmailError as fault:
        raise InvalidCredentials from fault
    tokens: SessionTokens = await request.app.state.login.with_password(
        db, email, form.password, client
    )
    return tokens


async def _by_refresh_token(
    request: Request, db: RequestTransaction, form: TokenRequest
) -> SessionTokens:
    if not form.refresh_token:
        raise InvalidTokenRequest
    tokens: SessionTokens = await request.app.state.session_flow.refresh(
        db, form.refresh_token, partial(count_refresh, request)
    )
    return tokens
