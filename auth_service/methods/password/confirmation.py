"""The password once more, from somebody who is logged in already and is about to change much."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Database, Transaction
from auth_service.methods.password.errors import ReauthenticationFailed
from auth_service.methods.password.proof import Guess, PasswordProofs
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.users import repository
from auth_service.users.account import ProvenPassword

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A right password, on which a change may rely while ``proof`` holds."""

    user_id: UUID
    guess: Guess
    proof: ProvenPassword


class PasswordConfirmation:
    """Proves that whoever holds a session also knows the password.

    In two steps, since more may have to be hashed between them, and no transaction waits for that:
    ``begin`` compares, and what changes the account counts only while its ``ProvenPassword`` holds.
    """

    def __init__(self, *, database: Database, proofs: PasswordProofs, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._proofs = proofs

    async def begin(
        self, db: Transaction, user_id: UUID, password: str, client: ClientInfo
    ) -> Confirmation:
        """Compare the password. No database connection is held meanwhile.

        Raises:
            InvalidAccessToken: the account was deleted or disabled at this moment.
            ReauthenticationFailed: the password is wrong; the failure is counted and written down.
            TooManyTries: the account's address has to wait.
            Busy: too many passwords are being hashed.
        """
        found = await repository.find_credentials_of(self._database, user_id)
        if found is None or not found.account.is_enabled(self._clock.now()):
            raise InvalidAccessToken
        email = Email.parse(found.account.email)
        guess = await self._proofs.guess(email, found, password, client)
        if guess.proof is None:
            await self._refuse(db, guess, user_id)
            raise ReauthenticationFailed
        return Confirmation(user_id, guess, guess.proof)

    async def complete(self, db: Transaction, confirmation: Confirmation, result: T | None) -> T:
        """The result of the change that relied on the password.

        Raises:
            InvalidAccessToken: there is none, as the account was deleted or disabled meanwhile.
            ReauthenticationFailed: there is none, as the password was changed or locked meanwhile.
        """
        if result is None:
            user_id = confirmation.user_id
            found = await repository.find_credentials_of(self._database, user_id)
            if found is None or not found.account.is_enabled(self._clock.now()):
                raise InvalidAccessToken
            await self._refuse(db, confirmation.guess, confirmation.user_id)
            raise ReauthenticationFailed
        return result

    async def _refuse(self, db: Transaction, guess: Guess, user_id: UUID) -> None:
        await self._proofs.refuse(
            db, guess, Action.REAUTHENTICATION, user_id=user_id, actor=user_id
        )
