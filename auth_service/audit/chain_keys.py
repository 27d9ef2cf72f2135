"""The key of the chain: made once, kept wrapped, the same for as long as the chain is."""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.audit import seal_repository
from auth_service.audit.chain import ChainKey
from auth_service.audit.models import CHAIN_KEY, KEY_ID
from auth_service.core.clock import Clock
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction

_BOUND_TO: Final = CHAIN_KEY.bound_to(KEY_ID)
_HALF: Final = 32


class ChainKeys:
    """Opens the one key. It is encrypted under ``AUTH_SECRET_KEYS`` and survives their change."""

    def __init__(self, *, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._key: ChainKey | None = None

    async def get(self) -> ChainKey:
        """The key; made first where there is none, by exactly one of many workers.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens it.
        """
        if self._key is None:
            wrapped = await seal_repository.find_key(self._database)
            if wrapped is None:
                wrapped = await self._made()
            self._key = self._opened(wrapped)
        return self._key

    async def get_in(self, db: Transaction) -> ChainKey:
        """The key, read and where there is none made in a transaction that holds locks already.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens it.
        """
        if self._key is not None:
            return self._key
        wrapped = await seal_repository.find_key_in(db)
        if wrapped is None:
            made = self._wrapped(secrets.token_bytes(2 * _HALF))
            await seal_repository.add_key(db, made, self._clock.now())
            wrapped = await seal_repository.find_key_in(db) or made
        return self._opened(wrapped)

    async def _made(self) -> bytes:
        wrapped = self._wrapped(secrets.token_bytes(2 * _HALF))
        async with self._database.transaction() as db:
            await seal_repository.add_key(db, wrapped, self._clock.now())
        return await seal_repository.find_key(self._database) or wrapped

    def _wrapped(self, plain: bytes) -> bytes:
        return self._keyring.encrypt(CHAIN_KEY.purpose, plain, bound_to=_BOUND_TO)

    def _opened(self, wrapped: bytes) -> ChainKey:
        plain = self._keyring.decrypt(CHAIN_KEY.purpose, wrapped, bound_to=_BOUND_TO)
        return ChainKey(plain[:_HALF], Ed25519PrivateKey.from_private_bytes(plain[_HALF:]))
