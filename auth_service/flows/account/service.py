"""One's own account: its password, what is known of it, and its end."""

from typing import Any, Final
from uuid import UUID

import structlog

from auth_service.audit.actions import Action
from auth_service.audit.repository import StoredEvent
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.errors import FieldFault, ValidationFailed
from auth_service.db.session import Transaction
from auth_service.flows.account.errors import SessionNotFound
from auth_service.flows.account.removal import AccountRemoval
from auth_service.mail.message import MailKind
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.confirmation import PasswordConfirmation
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.new_passwords import NewPasswords
from auth_service.methods.password.spelling import normalized
from auth_service.sessions.repository import ListedSession, StoredSession
from auth_service.sessions.service import Sessions
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.users import change_repository
from auth_service.users.account import Account

log = structlog.get_logger()
_POINTER: Final = "/new_password"
_UNCHANGED: Final = FieldFault(
    _POINTER, "password_unchanged", "The new password must not be the one there is."
)


class OwnAccount:
    """The use cases of somebody who is logged in, about their own account."""

    def __init__(  # noqa: PLR0913 - an account stands on many parts, each named
        self,
        *,
        confirmation: PasswordConfirmation,
        removal: AccountRemoval,
        hasher: PasswordHasher,
        rules: NewPasswords,
        sessions: Sessions,
        tokens: MailedTokens,
        mailbox: Mailbox,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._confirmation = confirmation
        self._removal = removal
        self._hasher = hasher
        self._rules = rules
        self._sessions = sessions
        self._tokens = tokens
        self._mailbox = mailbox
        self._audit = audit
        self._clock = clock

    async def change_password(
        self,
        db: Transaction,
        session: StoredSession,
        current_password: str,
        new_password: str,
        client: ClientInfo,
    ) -> None:
        """Set a new password.

        Effect: every other session ends, and whatever was mailed is void but undo links. The owner
        is told.

        Raises:
            ValidationFailed: the new password breaks a rule, or is the one there is.
            ReauthenticationFailed: the current password is wrong, or was changed at this moment.
            Busy: too many passwords are being hashed.
        """
        account = session.account
        await self._rules.check(new_password, email=Email.parse(account.email), pointer=_POINTER)
        if normalized(new_password) == normalized(current_password):
            raise ValidationFailed((_UNCHANGED,))
        confirmed = await self._confirmation.begin(db, account.id, current_password, client)
        new_hash = await self._hasher.hash(new_password)
        replaced = await change_repository.replace_password(
            db, account.id, proof=confirmed.proof, new_hash=new_hash
        )
        changed = await self._confirmation.complete(db, confirmed, replaced)
        await self._tokens.void(db, account.id)
        await self._sessions.end_all_but(
            db, account.id, keep=session.id, because="password_changed"
        )
        await self._record(db, Action.PASSWORD_CHANGED, session, client)
        await self._mailbox.tell(db, MailKind.PASSWORD_CHANGED, changed, client)
        log.info("password_changed", user_id=str(account.id))

    async def delete(
        self, db: Transaction, account: Account, password: str, client: ClientInfo
    ) -> None:
        """Delete the account: sessions, tokens, mail and personal data with it.

        Effect: see ``AccountRemoval.remove_own``.

        Raises:
            InvalidAccessToken: the account was deleted or disabled at this moment.
            ReauthenticationFailed: the password is wrong, or was changed at this moment.
            LastAdmin: nobody else could administer the service.
            Busy: too many passwords are being hashed.
        """
        confirmed = await self._confirmation.begin(db, account.id, password, client)
        locked = await change_repository.lock_for_change(db, account.id)
        if locked is None:
            raise InvalidAccessToken
        await self._removal.ensure_another_admin(db, locked)
        removed = await self._removal.remove_own(db, locked, proof=confirmed.proof, client=client)
        await self._confirmation.complete(db, confirmed, removed or None)
        log.info("user_deleted", user_id=str(account.id))

    async def end_session(
        self, db: Transaction, session: StoredSession, session_id: UUID, client: ClientInfo
    ) -> None:
        """End one of the caller's sessions, the current one included.

        Raises:
            SessionNotFound: the caller has no such live session.
        """
        if not await self._sessions.end_own(db, session_id, session.account.id):
            raise SessionNotFound
        await self._record(db, Action.SESSION_ENDED, session, client, ended_session=str(session_id))

    async def end_other_sessions(
        self, db: Transaction, session: StoredSession, client: ClientInfo
    ) -> None:
        """End all of the caller's sessions but the current one."""
        count = await self._sessions.end_all_but(
            db, session.account.id, keep=session.id, because="ended_by_owner"
        )
        await self._record(db, Action.OTHER_SESSIONS_ENDED, session, client, count=count)

    async def list_sessions(
        self, db: Transaction, session: StoredSession, *, after: UUID | None, limit: int
    ) -> list[ListedSession]:
        """The caller's live sessions, the newest first."""
        return await self._sessions.list_live(db, session.account.id, after=after, limit=limit)

    async def list_events(
        self, db: Transaction, session: StoredSession, *, before: UUID | None, limit: int
    ) -> list[StoredEvent]:
        """What happened on the caller's account, the newest first."""
        return await self._audit.list_page(db, session.account.id, before=before, limit=limit)

    async def _record(
        self,
        db: Transaction,
        action: Action,
        session: StoredSession,
        client: ClientInfo,
        **details: Any,  # noqa: ANN401 - anything JSON has
    ) -> None:
        await self._audit.record(
            db,
            action,
            subject=session.account.id,
            actor=session.account.id,
            session_id=session.id,
            client=client,
            **details,
        )
