"""Proving a password: counted before it is looked at, compared, and counted with the account.

Every route that tests a password comes through here: a login, the token endpoint, and whatever
asks for the password once more.
"""

import zlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.db.session import Transaction
from auth_service.mail.message import MailKind
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.decoys import Decoys
from auth_service.methods.password.errors import Busy
from auth_service.methods.password.hashing import PasswordHasher, Verdict
from auth_service.settings import Settings
from auth_service.throttle.service import Throttle, Try
from auth_service.users import change_repository
from auth_service.users.account import Credentials, ProvenPassword

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Guess:
    """A password that was typed for an address, compared.

    ``proof`` is None where it was wrong, and where the account's state makes no difference of it.
    """

    email: Email
    client: ClientInfo
    counted: Try
    proof: ProvenPassword | None
    upgrade: bool = False


class PasswordProofs:
    """Tests passwords, and sees to it that nobody can test many."""

    def __init__(  # noqa: PLR0913 - a proof stands on many parts, each named
        self,
        *,
        throttle: Throttle,
        hasher: PasswordHasher,
        decoys: Decoys,
        audit: Audit,
        mailbox: Mailbox,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._throttle = throttle
        self._hasher = hasher
        self._decoys = decoys
        self._audit = audit
        self._mailbox = mailbox
        self._clock = clock
        self._hard_stop = settings.throttle_hard_stop

    async def guess(
        self,
        email: Email,
        found: Credentials | None,
        password: str,
        client: ClientInfo,
        *,
        is_barred: bool = False,
    ) -> Guess:
        """Compare a password with that of the account that the address has, if it has one.

        No database connection is held meanwhile. A right password begins the ladders anew. One of
        an account that is disabled or ``is_barred``, or that failures have stopped, is a wrong one
        from here on: counted as such, with no proof, and its hash is not made anew. Whoever calls
        this calls ``refuse`` where nothing comes of it.

        Raises:
            TooManyTries: the address has to wait.
            Busy: too many passwords are being hashed; nothing was counted.
        """
        await self._decoys.keep_up()
        counted = await self._throttle.begin(
            email, client, device_id=self._trusted_device(found, client)
        )
        stored = None if found is None else found.password_hash
        try:
            verdict = await self._compare(email, password, stored)
        except Busy:
            await self._throttle.give_back(counted)
            raise
        if found is None or is_barred or not verdict.ok or not self._is_usable(found, counted):
            await self._throttle.fail(counted)
            return Guess(email, client, counted, None)
        await self._throttle.succeed(counted)
        proof = ProvenPassword(stored, counted.by_known_device, self._hard_stop)
        return Guess(email, client, counted, proof, verdict.upgrade)

    async def refuse(
        self,
        db: Transaction,
        guess: Guess,
        action: Action,
        *,
        user_id: UUID | None,
        **event: Any,  # noqa: ANN401 - what an event may say
    ) -> None:
        """Count a wrong password with the account and write it down.

        As many writes whether the address has an account or not. At the hard stop the password
        works no longer, and the owner is told.
        """
        by_known_device = guess.counted.by_known_device
        failures = None
        if user_id is None:
            await change_repository.count_decoy_failure(db, zlib.crc32(guess.email.key.encode()))
        else:
            failures = await change_repository.count_failure(
                db, user_id, by_known_device=by_known_device
            )
        await self._audit.record(
            db, action, subject=user_id, client=guess.client, outcome=Outcome.FAILURE, **event
        )
        if user_id is not None and failures == self._hard_stop and not by_known_device:
            await self._stop(db, user_id, guess.client)

    async def _stop(self, db: Transaction, user_id: UUID, client: ClientInfo) -> None:
        await self._audit.record(db, Action.PASSWORD_STOPPED, subject=user_id, client=client)
        account = await change_repository.lock(db, user_id)
        if account is not None and account.is_enabled(self._clock.now()):
            await self._mailbox.tell(db, MailKind.HARD_STOP, account, client)
        log.warning("password_stopped", user_id=str(user_id))

    async def forget(self, email: Email) -> None:
        """Begin anew with an address whose account has a new password, or was unlocked."""
        await self._throttle.forget(email)

    def remember_device(self, client: ClientInfo, user_id: UUID) -> str:
        """The device cookie for a client that has just logged in."""
        return self._throttle.remember_device(client, user_id)

    def knows_device(self, client: ClientInfo, user_id: UUID) -> bool:
        """Whether the client's device logged in to this account before."""
        return self._throttle.find_device(client, user_id) is not None

    async def _compare(self, email: Email, password: str, stored: PasswordHash | None) -> Verdict:
        """Compare, for as long whether or not the address has an account with a password."""
        if stored is None:
            return await self._hasher.reject(password, self._decoys.decoy(email))
        return await self._hasher.verify(password, stored)

    def _is_usable(self, found: Credentials, counted: Try) -> bool:
        """Whether the account's state lets a right password make a difference."""
        if not found.account.is_enabled(self._clock.now()):
            return False
        return counted.by_known_device or found.failures.of_strangers < self._hard_stop

    def _trusted_device(self, found: Credentials | None, client: ClientInfo) -> str | None:
        """The device, if it logged in before and all such devices have not failed too often."""
        if found is None or found.failures.of_devices >= self._hard_stop:
            return None
        return self._throttle.find_device(client, found.account.id)
