"""Making a token void before its time (RFC 7009)."""

from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.clients.client import StoredClient
from auth_service.clients.service import ServiceClients
from auth_service.core.client import ClientInfo
from auth_service.db.session import Transaction
from auth_service.identity.current_user import session_of
from auth_service.sessions.errors import InvalidRefreshToken
from auth_service.sessions.service import Sessions
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.service import AccessTokens


class Revocation:
    """A person's token ends its session; a service's is refused by its id until it expires."""

    def __init__(
        self,
        *,
        access_tokens: AccessTokens,
        sessions: Sessions,
        clients: ServiceClients,
        audit: Audit,
    ) -> None:
        self._access_tokens = access_tokens
        self._sessions = sessions
        self._clients = clients
        self._audit = audit

    async def revoke(
        self, db: Transaction, token: str, client: ClientInfo, *, by: StoredClient | None
    ) -> None:
        """Make a token void; one that is void, or was never ours, is left at that.

        Whoever holds a person's token may do so; with a service's token only the client that it
        was issued to (RFC 7009 section 2.1): otherwise nothing happens.

        Raises:
            ServiceUnavailable: the database cannot be reached, so nothing was revoked.
        """
        try:
            presented = await self._sessions.authenticate(token)
        except InvalidRefreshToken:
            await self._revoke_access_token(db, token, client, by)
        else:
            session = presented.session
            await self._end(db, session.id, session.account.id, client, by)

    async def _revoke_access_token(
        self, db: Transaction, token: str, client: ClientInfo, by: StoredClient | None
    ) -> None:
        try:
            claims = await self._access_tokens.verify(token)
        except InvalidAccessToken:
            return
        session_id = session_of(claims)
        if session_id is not None:
            await self._end(db, session_id, UUID(claims.subject), client, by)
        elif by is not None and claims.client_id == str(by.id):
            await self._clients.revoke_token(db, claims.token_id, expires_at=claims.expires_at)

    async def _end(
        self,
        db: Transaction,
        session_id: UUID,
        user_id: UUID,
        client: ClientInfo,
        by: StoredClient | None,
    ) -> None:
        if await self._sessions.end(db, session_id, because="revoked"):
            await self._audit.record(
                db,
                Action.SESSION_ENDED,
                subject=user_id,
                session_id=session_id,
                client=client,
                client_id=by.id if by else None,
            )
