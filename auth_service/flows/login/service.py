"""Logging in: factors are proven one after the other, then a session opens."""

from dataclasses import dataclass
from typing import Final

import structlog

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.flows.login.errors import EmailNotVerified, InvalidCredentials
from auth_service.mail.message import MailKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.errors import Busy
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.sessions.service import Sessions, SessionTokens
from auth_service.settings import Settings
from auth_service.users import repository
from auth_service.users.account import Account

log = structlog.get_logger()
_AMR_PASSWORD: Final = "pwd"  # noqa: S105 - the name RFC 8176 gives the method


@dataclass(frozen=True, slots=True)
class LoginState:
    """How far a login has come: whose it is, and what has been proven (RFC 8176 names).

    ``proven_hash`` is the one the password matched; the login counts only while it is still the
    account's. ``new_hash`` replaces it where its scheme is outdated.
    """

    account: Account
    amr: list[str]
    proven_hash: PasswordHash | None
    new_hash: PasswordHash | None = None


class Login:
    """The use cases of logging in."""

    def __init__(  # noqa: PLR0913 - a login stands on many parts, each named
        self,
        *,
        database: Database,
        hasher: PasswordHasher,
        sessions: Sessions,
        mailbox: Mailbox,
        audit: Audit,
        keyring: Keyring,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._sessions = sessions
        self._mailbox = mailbox
        self._audit = audit
        self._keyring = keyring
        self._clock = clock
        self._require_verified_email = settings.require_verified_email

    async def with_password(
        self, db: Transaction, email: Email, password: str, client: ClientInfo
    ) -> SessionTokens:
        """Log in with a password.

        Raises:
            InvalidCredentials: unknown address, wrong password or disabled account.
            EmailNotVerified: the password is right, but the address has to be verified first.
            Busy: too many passwords are being hashed.
        """
        await self._sessions.ensure_ready()
        state = await self._prove_password(db, email, password, client)
        return await self._complete(db, state, client)

    async def _prove_password(
        self, db: Transaction, email: Email, password: str, client: ClientInfo
    ) -> LoginState:
        """The first factor. No database connection is held while the password is hashed."""
        found = await repository.find_credentials(self._database, email.key)
        proven_hash = None if found is None else found.password_hash
        verdict = await self._hasher.verify(password, proven_hash)
        if found is None or not verdict.ok or not found.account.is_enabled(self._clock.now()):
            account = None if found is None else found.account
            await self._note_failure(db, email, account, client)
            raise InvalidCredentials
        if self._require_verified_email and not found.account.email_verified:
            raise EmailNotVerified
        new_hash = await self._upgraded(password) if verdict.upgrade else None
        return LoginState(found.account, [_AMR_PASSWORD], proven_hash, new_hash)

    async def _upgraded(self, password: str) -> PasswordHash | None:
        """The password under today's scheme; None when busy, since a later login will do."""
        try:
            return await self._hasher.hash(password)
        except (Busy, ValueError):
            return None

    async def _complete(
        self, db: Transaction, state: LoginState, client: ClientInfo
    ) -> SessionTokens:
        """Open the session, in the one transaction that re-checks what the factors relied on."""
        account = await repository.record_login(
            db,
            state.account.id,
            proven_hash=state.proven_hash,
            new_hash=state.new_hash,
            now=self._clock.now(),
        )
        if account is None:
            raise InvalidCredentials
        is_known = await self._sessions.knows_device(db, account.id, client.user_agent)
        tokens = await self._sessions.open(db, account, amr=state.amr, client=client)
        await self._audit.record(
            db,
            Action.LOGIN,
            subject=account.id,
            actor=account.id,
            session_id=tokens.session_id,
            client=client,
        )
        # The first login of all is with the device that the account was made with.
        if not is_known and state.account.last_login_at is not None:
            await self._mailbox.tell(db, MailKind.NEW_DEVICE, account, client)
        log.info("login", user_id=str(account.id), session_id=str(tokens.session_id))
        return tokens

    async def _note_failure(
        self, db: Transaction, email: Email, account: Account | None, client: ClientInfo
    ) -> None:
        """Write down and log a failure; the same work whether the address has an account or not.

        The address goes in as a keyed hash: equal ones can be seen to be equal, and no more.
        """
        address = self._keyring.mac("log-address", email.key.encode())[:12].hex()
        await self._audit.record(
            db,
            Action.LOGIN,
            subject=account.id if account else None,
            client=client,
            outcome=Outcome.FAILURE,
            address=address,
        )
        log.warning("login_failed", address=address, client=client.ip)
