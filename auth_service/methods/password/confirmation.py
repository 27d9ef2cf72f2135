"""The password once more, from somebody who is logged in already and is about to change much."""

from uuid import UUID

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.passwords import PasswordHash
from auth_service.db.session import Database, Transaction
from auth_service.methods.password.errors import ReauthenticationFailed
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.users import repository


class PasswordConfirmation:
    """Proves that whoever holds a session also knows the password."""

    def __init__(self, *, database: Database, hasher: PasswordHasher, audit: Audit) -> None:
        self._database = database
        self._hasher = hasher
        self._audit = audit

    async def confirm(
        self, db: Transaction, user_id: UUID, password: str, client: ClientInfo
    ) -> PasswordHash | None:
        """The hash that the password matched; what follows counts only while it is still there.

        No database connection is held while the password is hashed.

        Raises:
            ReauthenticationFailed: the password is wrong; the failure is written down.
            Busy: too many passwords are being hashed.
        """
        found = await repository.find_credentials_of(self._database, user_id)
        proven_hash = None if found is None else found.password_hash
        verdict = await self._hasher.verify(password, proven_hash)
        if not verdict.ok:
            await self._audit.record(
                db,
                Action.REAUTHENTICATION,
                subject=user_id,
                actor=user_id,
                client=client,
                outcome=Outcome.FAILURE,
            )
            raise ReauthenticationFailed
        return proven_hash
