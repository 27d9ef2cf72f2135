"""Keeping a session alive, and ending it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.db.session import Transaction
from auth_service.mail.message import MailKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from auth_service.sessions.repository import StoredSession
from auth_service.sessions.service import Sessions, SessionTokens

log = structlog.get_logger()
CountRefresh = Callable[[UUID], Awaitable[None]]


class SessionFlow:
    """The use cases of somebody who is logged in already."""

    def __init__(self, *, sessions: Sessions, mailbox: Mailbox, audit: Audit) -> None:
        self._sessions = sessions
        self._mailbox = mailbox
        self._audit = audit

    async def refresh(
        self, db: Transaction, token: str, client: ClientInfo, count: CountRefresh
    ) -> SessionTokens:
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
            await self._report_reuse(db, presented.session, client)
            raise

    async def end_by_refresh_token(self, db: Transaction, token: str, client: ClientInfo) -> None:
        """End the session of a refresh token, even an old one; one we did not make does nothing."""
        try:
            presented = await self._sessions.authenticate(token)
        except InvalidRefreshToken:
            return
        await self.end(db, presented.session, client)

    async def end(self, db: Transaction, session: StoredSession, client: ClientInfo) -> None:
        """End a session; one that has ended stays as it is."""
        if await self._sessions.end(db, session.id, because="logged_out"):
            await self._audit.record(
                db,
                Action.SESSION_ENDED,
                subject=session.account.id,
                actor=session.account.id,
                session_id=session.id,
                client=client,
            )

    async def _report_reuse(
        self, db: Transaction, session: StoredSession, client: ClientInfo
    ) -> None:
        """Tell the owner, who was or was not the one who came with the old token."""
        account = session.account
        await self._audit.record(
            db,
            Action.REFRESH_TOKEN_REUSED,
            subject=account.id,
            session_id=session.id,
            client=client,
            outcome=Outcome.FAILURE,
        )
        await self._mailbox.tell(db, MailKind.REFRESH_TOKEN_REUSED, account, client)
        log.warning("refresh_token_reused", session_id=str(session.id), user_id=str(account.id))
