"""Logging in: factors are proven one after the other, then a session opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.device import device_name
from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.flows.login.errors import EmailNotVerified, InvalidCredentials
from auth_service.mail.message import MailKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.breached import BreachedPasswords
from auth_service.methods.password.errors import Busy
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.proof import Guess, PasswordProofs
from auth_service.sessions.errors import InvalidRefreshToken
from auth_service.sessions.repository import StoredSession
from auth_service.sessions.service import Sessions, SessionTokens
from auth_service.setting_types import Registration
from auth_service.settings import Settings
from auth_service.users import change_repository, repository
from auth_service.users.account import Account, ProvenPassword
from auth_service.web.metrics import Metrics

log = structlog.get_logger()
_MOST_DEVICES: Final = 20
_AMR_PASSWORD: Final = "pwd"  # noqa: S105 - the name RFC 8176 gives the method


@dataclass(frozen=True, slots=True)
class LoginState:
    """How far a login has come: whose it is, and what has been proven (RFC 8176 names).

    The login counts only while the password that was guessed is still the account's. ``new_hash``
    replaces it where its scheme is outdated.
    """

    account: Account
    amr: list[str]
    guess: Guess
    proof: ProvenPassword
    is_breached: bool
    known_devices: Sequence[str]
    new_hash: PasswordHash | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session's tokens, and what the client's browser is to be known by from now on.

    ``is_breached`` says that the password is known from a breach, and should be changed.
    """

    tokens: SessionTokens
    device_cookie: str
    is_breached: bool


class Login:
    """The use cases of logging in."""

    def __init__(  # noqa: PLR0913 - a login stands on many parts, each named
        self,
        *,
        database: Database,
        hasher: PasswordHasher,
        proofs: PasswordProofs,
        breached: BreachedPasswords,
        sessions: Sessions,
        mailbox: Mailbox,
        audit: Audit,
        keyring: Keyring,
        clock: Clock,
        metrics: Metrics | None,
        settings: Settings,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._proofs = proofs
        self._breached = breached
        self._sessions = sessions
        self._mailbox = mailbox
        self._audit = audit
        self._keyring = keyring
        self._clock = clock
        self._metrics = metrics
        self._require_verified_email = settings.require_verified_email
        self._is_private = settings.registration is Registration.PRIVATE

    async def with_password(
        self,
        db: Transaction,
        email: Email,
        password: str,
        client: ClientInfo,
        *,
        replaced: str | None = None,
    ) -> LoggedIn:
        """Log in with a password; the session of the refresh token ``replaced`` ends.

        Raises:
            InvalidCredentials: unknown address, wrong password, disabled account, a password that
                failures have stopped, or an address that was never verified where registration
                is private.
            EmailNotVerified: the password is right, but the address has to be verified first.
            TooManyTries: the address has to wait.
            Busy: too many passwords are being hashed.
        """
        self._hasher.ensure_room()
        await self._sessions.ensure_ready()
        state = await self._prove_password(db, email, password, client)
        old = None if replaced is None else await self._session_of(replaced)
        logged_in = await self._complete(db, state, client)
        if old is not None:
            await self._end_replaced(db, old, client)
        return logged_in

    async def _session_of(self, refresh_token: str) -> StoredSession | None:
        try:
            return (await self._sessions.authenticate(refresh_token)).session
        except InvalidRefreshToken:
            return None

    async def _end_replaced(self, db: Transaction, old: StoredSession, client: ClientInfo) -> None:
        if await self._sessions.end(db, old.id, because="replaced_by_login"):
            await self._audit.record(
                db,
                Action.SESSION_ENDED,
                subject=old.account.id,
                session_id=old.id,
                client=client,
                reason="replaced_by_login",
            )

    async def _prove_password(
        self, db: Transaction, email: Email, password: str, client: ClientInfo
    ) -> LoginState:
        """The first factor. No database connection is held while the password is hashed."""
        found = await repository.find_credentials(self._database, email.key)
        account = None if found is None else found.account
        guess = await self._proofs.guess(
            email, found, password, client, is_barred=self._is_barred(account)
        )
        if found is None or account is None or guess.proof is None:
            await self._refuse(db, guess, account)
            raise InvalidCredentials
        if self._require_verified_email and not account.email_verified:
            await self._audit.record(
                db,
                Action.LOGIN,
                subject=account.id,
                client=client,
                outcome=Outcome.FAILURE,
                reason=EmailNotVerified.code,
            )
            raise EmailNotVerified
        new_hash = await self._upgraded(password) if guess.upgrade else None
        is_breached = await self._breached.has(password)
        return LoginState(
            account=account,
            amr=[_AMR_PASSWORD],
            guess=guess,
            proof=guess.proof,
            is_breached=is_breached,
            known_devices=found.known_devices,
            new_hash=new_hash,
        )

    def _is_barred(self, account: Account | None) -> bool:
        """Whether the account may not log in, and that is told nobody.

        Where registration is private, whoever registers an address learns nothing. They would, if
        the password that they chose let them in, or were called right.
        """
        return self._is_private and account is not None and not account.email_verified

    async def _upgraded(self, password: str) -> PasswordHash | None:
        """The password under today's scheme; None when busy, since a later login will do."""
        try:
            return await self._hasher.hash(password)
        except (Busy, ValueError):
            return None

    async def _complete(self, db: Transaction, state: LoginState, client: ClientInfo) -> LoggedIn:
        """Open the session, in the one transaction that re-checks what the factors relied on."""
        device = device_name(client.user_agent)
        is_new_device = device not in state.known_devices
        account = await repository.record_login(
            db,
            state.account.id,
            proof=state.proof,
            new_hash=state.new_hash,
            known_devices=[device, *state.known_devices][:_MOST_DEVICES] if is_new_device else None,
            now=self._clock.now(),
        )
        if account is None:
            await self._refuse(db, state.guess, state.account)
            raise InvalidCredentials
        tokens = await self._sessions.open(db, account, amr=state.amr, client=client)
        by_owner: Any = {
            "subject": account.id,
            "actor": account.id,
            "session_id": tokens.session_id,
            "client": client,
        }
        await self._audit.record(db, Action.LOGIN, **by_owner)
        for session_id in tokens.ended:
            await self._audit.record(
                db, Action.SESSION_ENDED, **(by_owner | {"session_id": session_id})
            )
        # The first login of all is with the device that the account was made with.
        is_news = is_new_device and not self._proofs.knows_device(client, account.id)
        if is_news and state.known_devices:
            await self._audit.record(db, Action.NEW_DEVICE, **by_owner)
            await self._mailbox.tell(db, MailKind.NEW_DEVICE, account, client)
        if state.is_breached and await change_repository.note_breach(
            db, account.id, now=self._clock.now()
        ):
            await self._mailbox.tell(db, MailKind.PASSWORD_BREACHED, account, client)
        if self._metrics is not None:
            self._metrics.logins.labels("success").inc()
        log.info("login", user_id=str(account.id), session_id=str(tokens.session_id))
        device_cookie = self._proofs.remember_device(client, account.id)
        return LoggedIn(tokens, device_cookie, state.is_breached)

    async def _refuse(self, db: Transaction, guess: Guess, account: Account | None) -> None:
        """Count, write down and log a failure; the same work whatever address it was for.

        The address goes in as a keyed hash: equal ones can be seen to be equal, and no more.
        """
        address = self._keyring.pseudonym(guess.email.key)
        user_id = account.id if account else None
        await self._proofs.refuse(db, guess, Action.LOGIN, user_id=user_id, address=address)
        if self._metrics is not None:
            self._metrics.logins.labels("failure").inc()
        log.warning("login_failed", address=address, client=guess.client.ip)
