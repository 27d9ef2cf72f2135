"""``/oauth``: the endpoints of RFC 6749, 7662 and 7009, for services and for Swagger UI."""

from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response

from auth_service.clients.scope import EMAIL_SCOPE, INTROSPECTION_SCOPE, granted
from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email, InvalidEmailError
from auth_service.flows.login.errors import InvalidCredentials
from auth_service.flows.login.router import remember_device
from auth_service.flows.login.service import LoggedIn
from auth_service.flows.service_tokens.client_authentication import find_client, get_client
from auth_service.flows.service_tokens.errors import (
    InsufficientScope,
    InvalidTokenRequest,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from auth_service.flows.service_tokens.introspection import Introspection
from auth_service.flows.service_tokens.revocation import Revocation
from auth_service.flows.service_tokens.schemas import (
    ClientTokenAnswer,
    IntrospectionAnswer,
    TokenForm,
    TokenRequest,
    oauth_errors,
)
from auth_service.flows.session.router import count_refresh
from auth_service.sessions.schemas import TokenAnswer
from auth_service.sessions.service import SessionTokens
from auth_service.tokens.service import AccessTokens
from auth_service.web.client_ip import network_key
from auth_service.web.dependencies import AppSettings, Client, RequestTransaction
from auth_service.web.rate_limit import enforce
from auth_service.web.strict_requests import FormRoute

log = structlog.get_logger()
router = APIRouter(prefix="/oauth", tags=["services"], route_class=FormRoute)


@router.post(
    "/token",
    response_model_exclude_none=True,
    responses=oauth_errors(400, 401, 413, 415, 429, 503),
)
async def issue_token(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    response: Response,
    form: Annotated[TokenRequest, Form()],
    db: RequestTransaction,
    client: Client,
    settings: AppSettings,
) -> TokenAnswer | ClientTokenAnswer:
    """Log in (`password`), refresh (`refresh_token`), or get a service's token by form.

    The first is what the Authorize dialog of this page sends; in production it is off unless
    `AUTH_PASSWORD_GRANT` is true (RFC 9700 section 2.4). Both obey every rule of
    `POST /auth/login` and `POST /auth/refresh`. With `client_credentials` a service client gets a
    token in its own name, with the scopes it asks for or all it has. Errors have the form of
    RFC 6749.
    """
    response.headers["Pragma"] = "no-cache"
    if form.grant_type == "client_credentials":
        return await _by_client_credentials(request, form)
    if form.grant_type not in {"password", "refresh_token"}:
        raise UnsupportedGrantType
    if form.grant_type == "password" and not settings.password_grant:
        raise UnsupportedGrantType
    if await find_client(request, form) is not None:
        raise UnauthorizedClient
    if form.grant_type == "password":
        logged_in = await _by_password(request, db, form, client)
        remember_device(request, response, logged_in, settings)
        return TokenAnswer.of(
            logged_in.tokens, with_refresh_token=True, is_breached=logged_in.is_breached
        )
    tokens = await _by_refresh_token(request, db, form, client)
    return TokenAnswer.of(tokens, with_refresh_token=True)


@router.post(
    "/introspect",
    response_model_exclude_none=True,
    responses=oauth_errors(400, 401, 403, 413, 415, 503),
)
async def introspect_token(
    request: Request, form: Annotated[TokenForm, Form()]
) -> IntrospectionAnswer:
    """Whether a token is good right now, and what it stands for (RFC 7662).

    For service clients with the scope `introspection`; those with the scope `email` are told a
    person's address as well. A logout, a disabled or deleted account shows in the next answer. Of a
    token that is good for nothing only `{"active": false}` is told.
    """
    client = await get_client(request, form)
    if INTROSPECTION_SCOPE not in client.scopes:
        raise InsufficientScope
    introspection: Introspection = request.app.state.introspection
    return await introspection.introspect(_token(form), with_email=EMAIL_SCOPE in client.scopes)


@router.post(
    "/revoke",
    response_class=Response,
    responses={
        200: {"description": "The token is void, whatever it was before", "content": {}},
        **oauth_errors(400, 401, 413, 415, 503),
    },
)
async def revoke_token(
    request: Request, form: Annotated[TokenForm, Form()], db: RequestTransaction, client: Client
) -> None:
    """Make an access or refresh token void (RFC 7009).

    A person's token ends its session; whoever holds it may do that. A service's token is refused
    from now on, where it is introspected; only the client that it was issued to may do that. The
    answer is the same for a token that is unknown or void already. A `Bearer` token in the header
    is ignored.
    """
    by = await find_client(request, form, ignore_bearer=True)
    revocation: Revocation = request.app.state.revocation
    await revocation.revoke(db, _token(form), client, by=by)


def _token(form: TokenForm) -> str:
    if not form.token:
        raise InvalidTokenRequest
    return form.token


async def _by_client_credentials(request: Request, form: TokenRequest) -> ClientTokenAnswer:
    client = await get_client(request, form)
    scopes = granted(form.scope, client.scopes)
    access_tokens: AccessTokens = request.app.state.access_tokens
    issued = await access_tokens.issue_for_client(client.id, scopes)
    log.info("client_token_issued", client_id=str(client.id), scope=" ".join(scopes))
    return ClientTokenAnswer(
        access_token=issued.token, expires_in=issued.expires_in, scope=" ".join(scopes) or None
    )


async def _by_password(
    request: Request, db: RequestTransaction, form: TokenRequest, client: ClientInfo
) -> LoggedIn:
    await enforce(request, "login", network_key(client.ip))
    if not form.username or not form.password:
        raise InvalidTokenRequest
    try:
        email = Email.parse(form.username)
    except InvalidEmailError as fault:
        raise InvalidCredentials from fault
    logged_in: LoggedIn = await request.app.state.login.with_password(
        db, email, form.password, client
    )
    return logged_in


async def _by_refresh_token(
    request: Request, db: RequestTransaction, form: TokenRequest, client: ClientInfo
) -> SessionTokens:
    if not form.refresh_token:
        raise InvalidTokenRequest
    tokens: SessionTokens = await request.app.state.session_flow.refresh(
        db, form.refresh_token, client, partial(count_refresh, request)
    )
    return tokens
