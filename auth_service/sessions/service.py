"""Sessions: opened at login, kept alive by rotation, ended once and for good.

The scheme is the contract's: a counter in the session's row, compared and set. Exactly one of many
parallel refreshes advances it; the others, and a client whose answer was lost, get the same
successor again for a short grace; any older token means that two parties hold the session, so it
ends (RFC 9700 section 4.14.2).
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.batches import in_batches
from auth_service.db.session import Database, Transaction
from auth_service.sessions import refresh_token, repository
from auth_service.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from auth_service.sessions.models import Session
from auth_service.sessions.refresh_token import RawRefreshToken, RefreshClaim
from auth_service.sessions.repository import KeptSession, ListedSession, Live, StoredSession
from auth_service.settings import Settings
from auth_service.tokens.service import AccessTokens, Bearer
from auth_service.users.account import Account

PEOPLE_CLIENT_ID: Final = "auth-service"
MAXIMUM_PER_USER: Final = 50
_USER_AGENT_LENGTH: Final = 512


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a client gets for a login or a refresh; lifetimes are in seconds.

    ``ended`` are other sessions of the user, which ended for this one.
    """

    access_token: str
    expires_in: int
    refresh_token: RawRefreshToken
    refresh_expires_in: int
    session_id: UUID
    ended: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthenticRefresh:
    """A refresh token whose MAC is right, with its session as it was read."""

    claim: RefreshClaim
    session: StoredSession


class Sessions:
    """The use cases of a session."""

    def __init__(
        self,
        *,
        database: Database,
        access_tokens: AccessTokens,
        keyring: Keyring,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._access_tokens = access_tokens
        self._keyring = keyring
        self._clock = clock
        self._idle_ttl = settings.session_idle_ttl
        self._max_ttl = settings.session_max_ttl
        self._grace = settings.refresh_grace

    async def ensure_ready(self) -> None:
        """See to it that tokens can be signed, before a transaction is begun.

        Raises:
            ServiceUnavailable: the keys are not known or too old, and the database is lost.
        """
        await self._access_tokens.ensure_ready()

    async def open(
        self, db: Transaction, account: Account, *, amr: list[str], client: ClientInfo
    ) -> SessionTokens:
        """Start a session for somebody who has proven who they are.

        Effect: at most 50 sessions of a user stay alive; the oldest ends.
        """
        now = self._clock.now()
        session = Session(
            id=new_id(),
            user_id=account.id,
            client_id=PEOPLE_CLIENT_ID,
            amr=amr,
            refresh_salt=secrets.token_bytes(refresh_token.SALT_BYTES),
            counter=0,
            created_at=now,
            last_used_at=now,
            expires_at=now + self._max_ttl,
            ip=client.ip,
            user_agent=client.user_agent and client.user_agent[:_USER_AGENT_LENGTH],
        )
        ended = await repository.add_among_newest(
            db, session, keep=MAXIMUM_PER_USER, because="too_many_sessions"
        )
        stored = StoredSession(
            id=session.id,
            client_id=session.client_id,
            amr=amr,
            refresh_salt=session.refresh_salt,
            counter=0,
            created_at=now,
            rotated_at=None,
            last_used_at=now,
            expires_at=session.expires_at,
            ended_at=None,
            account=account,
        )
        return replace(await self._tokens(stored, counter=0, used_at=now, now=now), ended=ended)

    async def authenticate(self, token: str) -> AuthenticRefresh:
        """Check that this service made the token, for a session that exists; changes nothing.

        Raises:
            InvalidRefreshToken: it did not.
        """
        claim = refresh_token.read(token)
        await self.ensure_ready()
        session = await repository.find(self._database, claim.session_id)
        if session is None or not claim.is_authentic(self._keyring, session.refresh_salt):
            raise InvalidRefreshToken
        return AuthenticRefresh(claim, session)

    async def find_by_current_token(self, token: str) -> StoredSession | None:
        """The live session whose next refresh this token is good for; changes nothing.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        try:
            presented = await self.authenticate(token)
        except InvalidRefreshToken:
            return None
        session = presented.session
        is_current = presented.claim.counter == session.counter
        return session if is_current and self.is_live(session, self._clock.now()) else None

    def refresh_until(self, session: StoredSession) -> datetime:
        """Until when its refresh token is good: until it is idle or at its end."""
        return min(session.last_used_at + self._idle_ttl, session.expires_at)

    async def rotate(self, db: Transaction, presented: AuthenticRefresh) -> SessionTokens:
        """Exchange a refresh token for its successor and a new access token.

        Raises:
            InvalidRefreshToken: the session has ended, expired, or is not that far yet.
            RefreshTokenReused: the token was used before; its session ends with this.
        """
        claim = presented.claim
        session: StoredSession | None = presented.session
        while session is not None:
            now = self._clock.now()
            if not self.is_live(session, now) or claim.counter > session.counter:
                raise InvalidRefreshToken
            if claim.counter < session.counter:
                return await self._repeat(db, claim, session, now)
            tokens = await self._tokens(session, counter=claim.counter + 1, used_at=now, now=now)
            # Last, as it is committed with this: nothing that could fail comes after it.
            if await repository.advance(self._database, session.id, counter=claim.counter, now=now):
                return tokens
            # Another request advanced or ended it since the read, and has committed.
            session = await repository.find_again(db, session.id)
        raise InvalidRefreshToken

    async def end(self, db: Transaction, session_id: UUID, *, because: str) -> bool:
        """End a session; one that has ended stays as it is, and the answer is False."""
        return await repository.end(db, session_id, because=because, now=self._clock.now())

    async def end_all(self, db: Transaction, user_id: UUID, *, because: str) -> None:
        """End every session of a user."""
        await repository.end_all(db, user_id, because=because, now=self._clock.now())

    async def end_everybodys(self) -> None:
        """End every session that there is now, in small batches, each committed by itself.

        Raises:
            ServiceUnavailable: the database was lost; the batches before have ended all the same.
        """
        begun_at = self._clock.now()

        async def end_some(db: Transaction) -> int:
            # Each batch at a moment of its own: validators read what has ended by moments.
            return await repository.end_some(
                db, begun_by=begun_at, because="everybodys_ended", now=self._clock.now()
            )

        await in_batches(self._database, end_some)

    async def end_own(self, db: Transaction, session_id: UUID, user_id: UUID) -> bool:
        """End a live session of this user; False where it is none."""
        return await repository.end_own(
            db, session_id, user_id, because="ended_by_owner", live=self._live()
        )

    async def end_all_but(self, db: Transaction, user_id: UUID, *, keep: UUID, because: str) -> int:
        """End every session of a user but one; how many those were."""
        return await repository.end_all_but(
            db, user_id, keep=keep, because=because, now=self._clock.now()
        )

    async def list_live(
        self, db: Transaction, user_id: UUID, *, after: UUID | None, limit: int
    ) -> list[ListedSession]:
        """A user's live sessions, the newest first; those older than ``after``."""
        return await repository.list_live(db, user_id, live=self._live(), after=after, limit=limit)

    async def list_all(self, db: Transaction, user_id: UUID) -> list[KeptSession]:
        """All of a user's sessions that are kept, the newest first."""
        return await repository.list_all(db, user_id)

    async def remove_expired(self) -> None:
        """Delete sessions that no rotation can extend any more, in small batches."""
        await in_batches(self._database, partial(repository.remove_expired, now=self._clock.now()))

    def _live(self) -> Live:
        return Live(self._clock.now(), self._idle_ttl)

    def is_live(self, session: StoredSession, now: datetime) -> bool:
        """Whether the session and its account may be used: not ended, expired, idle or disabled."""
        return (
            session.ended_at is None
            and now < session.expires_at
            and now < session.last_used_at + self._idle_ttl
            and session.account.is_enabled(now)
        )

    def login_age(self, session: StoredSession) -> timedelta:
        """How long ago the session's person logged in (``auth_time``); no refresh changes that."""
        return self._clock.now() - session.created_at

    async def find_live(self, session_id: UUID) -> StoredSession | None:
        """The session and its account, if both may be used now; one read, no transaction."""
        session = await repository.find(self._database, session_id)
        if session is None or not self.is_live(session, self._clock.now()):
            return None
        return session

    async def _repeat(
        self, db: Transaction, claim: RefreshClaim, session: StoredSession, now: datetime
    ) -> SessionTokens:
        """The same successor again, for parallel tabs and lost answers; otherwise the end.

        One behind means that the successor has not been used: using it would have advanced the
        counter once more.
        """
        rotated_at = session.rotated_at
        one_behind = claim.counter == session.counter - 1
        if one_behind and rotated_at is not None and now - rotated_at < self._grace:
            return await self._tokens(
                session, counter=session.counter, used_at=session.last_used_at, now=now
            )
        await self.end(db, session.id, because="refresh_token_reused")
        raise RefreshTokenReused

    async def _tokens(
        self, session: StoredSession, *, counter: int, used_at: datetime, now: datetime
    ) -> SessionTokens:
        refresh_until = min(used_at + self._idle_ttl, session.expires_at)
        bearer = Bearer(
            subject=session.account.id,
            session_id=session.id,
            client_id=session.client_id,
            auth_time=session.created_at,
            amr=session.amr,
            roles=session.account.roles,
            email_verified=session.account.email_verified,
        )
        access = await self._access_tokens.issue(bearer, not_after=refresh_until)
        return SessionTokens(
            access_token=access.token,
            expires_in=access.expires_in,
            refresh_token=refresh_token.make(
                session.id, counter, self._keyring, session.refresh_salt
            ),
            refresh_expires_in=max(0, (refresh_until - now) // timedelta(seconds=1)),
            session_id=session.id,
        )
