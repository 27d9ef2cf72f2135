"""Keeping a session alive, and ending it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from auth_service.db.session import Transaction
from auth_service.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from auth_service.sessions.service import Sessions, SessionTokens

log = structlog.get_logger()
CountRefresh = Callable[[UUID], Awaitable[None]]


class SessionFlow:
    """The use cases of somebody who is logged in already."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def refresh(self, db: Transaction, token: str, count: CountRefresh) -> SessionTokens:
        """Exchange a refresh token.

        ``count`` is called with the session once the token is known to be ours, so that nobody
        can use up a session's limit with tokens they made up.

        Raises:
            InvalidRefreshToken: the token is good for nothing (any more).
            RefreshTokenReused: it was used before; its session ends, and stays ended.
        """
        presented = await self._sessions.authenticate(token)
        await count(presented.session.id)
        try:
            return await self._sessions.rotate(db, presented)
        except RefreshTokenReused:
            log.warning(
                "refresh_token_reused",
                session_id=str(presented.session.id),
                user_id=str(presented.session.account.id),
            )
            raise

    async def end_by_refresh_token(self, db: Transaction, token: str) -> None:
        """End the session of a refresh token, even an old one; one we did not make does nothing."""
        try:
            presented = await self._sessions.authenticate(token)
        except InvalidRefreshToken:
            return
        await self._sessions.end(db, presented.session.id, because="logged_out")

    async def end(self, db: Transaction, session_id: UUID) -> None:
        """End a session."""
        await self._sessions.end(db, session_id, because="logged_out")
