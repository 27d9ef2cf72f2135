"""The current user: an access token that verifies, for a session and an account that live.

A token alone proves only what was true when it was issued. So each request reads the session and
the account once more, in one statement without a transaction: an ended session, a disabled or
deleted user is refused at once.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.db.session import Database
from auth_service.identity.errors import (
    MAXIMUM_LOGIN_AGE,
    Forbidden,
    InsufficientUserAuthentication,
)
from auth_service.sessions.repository import StoredSession
from auth_service.sessions.service import PEOPLE_CLIENT_ID, Sessions
from auth_service.tokens.errors import InvalidAccessToken, MissingAccessToken
from auth_service.tokens.service import AccessTokens
from auth_service.verifier.claims import AccessClaims
from auth_service.web.dependencies import Client
from auth_service.web.rate_limit import RateLimiter, enforce

_DESCRIPTION: Final = (
    "Log in with an address (as `username`) and its password; the rest may stay empty."
)
_TOKEN_URL: Final = "oauth/token"  # noqa: S105 - an address, not a token

_bearer = OAuth2PasswordBearer(tokenUrl=_TOKEN_URL, auto_error=False, description=_DESCRIPTION)
BearerToken = Annotated[str | None, Depends(_bearer)]


async def authenticate(
    token: str | None, access_tokens: AccessTokens, sessions: Sessions
) -> StoredSession:
    """The live session that an access token stands for, with its account.

    Raises:
        InvalidAccessToken: no token, one that fails a check, or one whose session, account or
            kind does not (any longer) make it a person's.
    """
    if token is None:
        raise MissingAccessToken
    return await live_session(await access_tokens.verify(token), sessions)


async def live_session(claims: AccessClaims, sessions: Sessions) -> StoredSession:
    """The session that a person's verified token is of, if it and the account live.

    Raises:
        InvalidAccessToken: they do not, or the token is a service's.
    """
    session_id = session_of(claims)
    if session_id is None:
        raise InvalidAccessToken
    session = await sessions.find_live(session_id)
    if session is None or str(session.account.id) != claims.subject:
        raise InvalidAccessToken
    return session


def session_of(claims: AccessClaims) -> UUID | None:
    """The session that a person's token names; None for a service's token."""
    if claims.session_id is None or claims.client_id != PEOPLE_CLIENT_ID:
        return None
    try:
        return UUID(claims.session_id)
    except ValueError:
        return None


class SessionBearer(OAuth2PasswordBearer):
    """What ``CurrentUser`` and ``CurrentSession`` depend on: the caller's session and account.

    It is the security scheme of the OpenAPI document itself rather than a dependency on it: this
    is the service's hottest path, and each dependency costs as much as a tenth of the read.
    """

    def __init__(self, *, limited: bool) -> None:
        super().__init__(
            tokenUrl=_TOKEN_URL,
            scheme_name=OAuth2PasswordBearer.__name__,
            auto_error=False,
            description=_DESCRIPTION,
        )
        self._limited = limited

    async def __call__(self, request: Request) -> StoredSession:  # type: ignore[override]
        """The session and the account that the access token stands for, both alive.

        Raises:
            InvalidAccessToken: there is none.
            RateLimited: the user has asked too often.
        """
        state = request.app.state
        token = await super().__call__(request)
        session = await authenticate(token, state.access_tokens, state.sessions)
        if self._limited:
            await enforce(request, "user", str(session.account.id))
        return session


CurrentSession = Annotated[StoredSession, Depends(SessionBearer(limited=False))]
"""The caller's session and account, however often they ask."""
CurrentUser = Annotated[StoredSession, Depends(SessionBearer(limited=True))]
"""The caller's session and account, within the limit per user."""


RoleCheck = Callable[[Request, StoredSession, ClientInfo], Awaitable[StoredSession]]
RecentLoginCheck = Callable[[Request, StoredSession], Awaitable[StoredSession]]


def require_role(role: str) -> RoleCheck:
    """A dependency that lets only callers with the role through.

    The roles are those in the database now, not those in the token.
    """

    async def caller_with_role(
        request: Request, user: CurrentUser, client: Client
    ) -> StoredSession:
        if role not in user.account.roles:
            await _note_refusal(request, user, client)
            raise Forbidden
        return user

    return caller_with_role


async def _note_refusal(request: Request, user: StoredSession, client: ClientInfo) -> None:
    """Write down who asked for what they may not, ten times an hour: nobody fills the record."""
    limiter: RateLimiter = request.app.state.rate_limiter
    if not await limiter.admits("refusal", str(user.account.id)):
        return
    database: Database = request.app.state.database
    audit: Audit = request.app.state.audit
    async with database.transaction() as db:
        await audit.record(
            db,
            Action.ACCESS_REFUSED,
            subject=user.account.id,
            actor=user.account.id,
            session_id=user.id,
            client=client,
            outcome=Outcome.FAILURE,
            route=request.scope["route"].path,
        )


def require_recent_login(check: RoleCheck) -> RecentLoginCheck:
    """A dependency that lets those through whom ``check`` does, if they logged in just now.

    What is asked for is a login of at most ten minutes ago (RFC 9470), not a token of that age:
    a refresh makes a new token, and proves nothing new about the person.
    """

    async def caller_with_recent_login(
        request: Request, user: Annotated[StoredSession, Depends(check)]
    ) -> StoredSession:
        ensure_recent_login(request, user)
        return user

    return caller_with_recent_login


def ensure_recent_login(request: Request, user: StoredSession) -> None:
    """Do nothing for somebody who logged in at most ten minutes ago.

    Raises:
        InsufficientUserAuthentication: for everybody else.
    """
    sessions: Sessions = request.app.state.sessions
    if sessions.login_age(user) > MAXIMUM_LOGIN_AGE:
        raise InsufficientUserAuthentication
