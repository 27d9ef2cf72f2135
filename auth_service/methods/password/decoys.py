"""What an unknown address is compared with, so that its answer takes a known one's time.

While accounts have hashes of several schemes and costs (after a change of the setting, after
an import), one decoy for all unknown addresses would tell them from the accounts of another scheme.
So each address has a decoy of its own, drawn from the shares that the schemes have among the
accounts, and goes on having it for as long as those shares do.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.users import repository

_LOOK_AGAIN: Final = timedelta(seconds=10)
_PURPOSE: Final = "decoy"
_MAC_BITS: Final = 64


class Decoys:
    """Draws decoys from a sample of the accounts' hashes, taken anew after some seconds."""

    def __init__(
        self, *, database: Database, hasher: PasswordHasher, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._keyring = keyring
        self._clock = clock
        self._shares: Counter[str] = Counter()
        self._examples: dict[str, PasswordHash] = {}
        self._looked_at: datetime | None = None
        self._looking = asyncio.Lock()

    async def keep_up(self) -> None:
        """Take the sample anew where it is old; for every login alike, since this takes time too.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        if self._is_fresh():
            return
        async with self._looking:
            if not self._is_fresh():
                self._count(await repository.sample_password_hashes(self._database))
                self._looked_at = self._clock.now()

    def decoy(self, email: Email) -> PasswordHash | None:
        """A hash of the scheme and cost that the address has; None where no account has a hash.

        Drawn by weighted rendezvous hashing: when the shares change a little, few addresses move
        from one scheme to another, as few accounts do.
        """
        best = max(self._shares, key=lambda kind: self._score(kind, email), default=None)
        return None if best is None else self._examples[best]

    def _is_fresh(self) -> bool:
        return self._looked_at is not None and self._clock.now() - self._looked_at < _LOOK_AGAIN

    def _count(self, hashes: Iterable[PasswordHash]) -> None:
        self._shares.clear()
        self._examples.clear()
        for stored in hashes:
            kind = self._hasher.kind(stored)
            self._shares[kind] += 1
            self._examples[kind] = stored

    def _score(self, kind: str, email: Email) -> float:
        mac = self._keyring.mac(_PURPOSE, f"{kind}\0{email.key}".encode())
        # Strictly between 0 and 1, so that its logarithm is finite and not 0.
        uniform = (int.from_bytes(mac[: _MAC_BITS // 8]) + 1) / (2**_MAC_BITS + 2)
        return self._shares[kind] / -math.log(uniform)
