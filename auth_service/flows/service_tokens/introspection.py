"""Whether a token is good at this very moment, and what it stands for (RFC 7662)."""

from typing import Final

from auth_service.clients.service import ServiceClients
from auth_service.flows.service_tokens.schemas import IntrospectionAnswer
from auth_service.identity.current_user import live_session
from auth_service.sessions.repository import StoredSession
from auth_service.sessions.service import PEOPLE_CLIENT_ID, Sessions
from auth_service.settings import Settings
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.service import AccessTokens
from auth_service.verifier.claims import AccessClaims

INACTIVE: Final = IntrospectionAnswer(active=False)


class Introspection:
    """Looks at tokens and changes nothing: a refresh token that was looked at is good as new."""

    def __init__(
        self,
        *,
        access_tokens: AccessTokens,
        sessions: Sessions,
        clients: ServiceClients,
        settings: Settings,
    ) -> None:
        self._access_tokens = access_tokens
        self._sessions = sessions
        self._clients = clients
        self._issuer = settings.issuer
        self._audience = settings.audience

    async def introspect(self, token: str, *, with_email: bool) -> IntrospectionAnswer:
        """What is known of a token now; of one that is good for nothing, only that.

        A person's address is told only ``with_email``.

        Raises:
            ServiceUnavailable: the database cannot be reached, so nothing is known.
        """
        session = await self._sessions.find_by_current_token(token)
        if session is not None:
            return self._refresh_token(session)
        try:
            claims = await self._access_tokens.verify(token)
            if claims.client_id == PEOPLE_CLIENT_ID:
                session = await live_session(claims, self._sessions)
                return self._persons(claims, session, with_email=with_email)
        except InvalidAccessToken:
            return INACTIVE
        return await self._services(claims)

    def _refresh_token(self, session: StoredSession) -> IntrospectionAnswer:
        """Neither roles, nor scope, nor audience: nobody shall take it for an access token."""
        return IntrospectionAnswer(
            active=True,
            token_use="refresh_token",  # noqa: S106 - a use, no password
            iss=self._issuer,
            sub=str(session.account.id),
            client_id=session.client_id,
            sid=str(session.id),
            iat=int((session.rotated_at or session.created_at).timestamp()),
            exp=int(self._sessions.refresh_until(session).timestamp()),
        )

    def _persons(
        self, claims: AccessClaims, session: StoredSession, *, with_email: bool
    ) -> IntrospectionAnswer:
        account = session.account
        return self._access_token(claims).model_copy(
            update={
                "username": account.email if with_email else None,
                "sid": str(session.id),
                "auth_time": int(session.created_at.timestamp()),
                "amr": session.amr,
                "roles": account.roles,
                "email_verified": account.email_verified,
            }
        )

    async def _services(self, claims: AccessClaims) -> IntrospectionAnswer:
        if claims.client_id is None or claims.subject != claims.client_id:
            return INACTIVE
        if await self._clients.find(claims.client_id) is None:
            return INACTIVE
        if await self._clients.is_revoked(claims.token_id):
            return INACTIVE
        return self._access_token(claims).model_copy(update={"roles": []})

    def _access_token(self, claims: AccessClaims) -> IntrospectionAnswer:
        return IntrospectionAnswer(
            active=True,
            token_use="access_token",  # noqa: S106 - a use, no password
            token_type="bearer",  # noqa: S106 - likewise
            iss=claims.issuer,
            sub=claims.subject,
            aud=self._audience,
            exp=int(claims.expires_at),
            iat=int(claims.issued_at),
            jti=claims.token_id,
            client_id=claims.client_id,
            scope=" ".join(claims.scopes) or None,
        )
