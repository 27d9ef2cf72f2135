"""Making a token void before its time (RFC 7009)."""

from auth_service.clients.client import StoredClient
from auth_service.clients.service import ServiceClients
from auth_service.db.session import Transaction
from auth_service.identity.current_user import session_of
from auth_service.sessions.errors import InvalidRefreshToken
from auth_service.sessions.service import Sessions
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.service import AccessTokens


class Revocation:
    """A person's token ends its session; a service's is refused by its id until it expires."""

    def __init__(
        self, *, access_tokens: AccessTokens, sessions: Sessions, clients: ServiceClients
    ) -> None:
        self._access_tokens = access_tokens
        self._sessions = sessions
        self._clients = clients

    async def revoke(self, db: Transaction, token: str, *, by: StoredClient | None) -> None:
        """Make a token void; one that is void, or was never ours, is left at that.

        Whoever holds a token may do so. But a client that says who it is may not do so with the
        token of another client (RFC 7009 section 2.1): nothing happens then.

        Raises:
            ServiceUnavailable: the database cannot be reached, so nothing was revoked.
        """
        try:
            presented = await self._sessions.authenticate(token)
        except InvalidRefreshToken:
            await self._revoke_access_token(db, token, by)
        else:
            await self._sessions.end(db, presented.session.id, because="revoked")

    async def _revoke_access_token(
        self, db: Transaction, token: str, by: StoredClient | None
    ) -> None:
        try:
            claims = await self._access_tokens.verify(token)
        except InvalidAccessToken:
            return
        session_id = session_of(claims)
        if session_id is not None:
            await self._sessions.end(db, session_id, because="revoked")
        elif by is None or claims.client_id == str(by.id):
            await self._clients.revoke_token(db, claims.token_id, expires_at=claims.expires_at)
