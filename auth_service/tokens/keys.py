"""The signing keys as a worker holds them: read, looked at again, rotated by one of many."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from auth_service.core.clock import Clock
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.db.session import Database, Transaction
from auth_service.settings import Settings
from auth_service.tokens import repository
from auth_service.tokens.key_schedule import DueChanges, KeySchedule
from auth_service.tokens.signing_key import (
    KeyState,
    Signer,
    StoredKey,
    new_key,
    open_public,
    open_signer,
    published,
)
from auth_service.verifier.compact import encode_part
from auth_service.verifier.strict import PublicKey

log = structlog.get_logger()
UNKNOWN_KID_COOLDOWN: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Keys:
    """The active key, its token header spelled out once, and all keys that verify."""

    signer: Signer
    header: str
    public: dict[str, PublicKey]
    published: list[dict[str, str]]
    read_at: datetime


class SigningKeys:
    """Reads the keys once, looks at them again every so often, and does what their schedule asks.

    Any number of workers may do so at once: what is due is written under a lock, and whoever gets
    it second finds nothing left to do.
    """

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._algorithm = settings.jwt_algorithm
        self._schedule = KeySchedule.of(settings)
        self._keys: Keys | None = None
        self._looked_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def ensure(self) -> None:
        """Read the keys, if that was not done yet; the first one is made where there is none.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the active key.
        """
        async with self._reading:
            if self._keys is None:
                await self._read()

    async def get(self) -> Keys:
        """The keys, read on first use, however long ago that was.

        A worker may so start while the database is away, and finds its keys once it is back.

        Raises:
            ServiceUnavailable: as ``get_for_signing``, where they were not read yet.
        """
        return self._keys or await self.get_for_signing()

    async def get_for_signing(self, *, ahead: timedelta = timedelta(0)) -> Keys:
        """The keys, never older than the schedule allows: no token is signed by a key of the past.

        ``ahead`` is how long they have to go on being young enough.

        Raises:
            ServiceUnavailable: the database cannot be reached, or its active key is one that none
                of ``AUTH_SECRET_KEYS`` opens.
        """
        keys = self._keys
        if keys is not None and self._age(keys) + ahead < self._schedule.notice:
            return keys
        async with self._reading:
            # Whoever held the lock may have read them meanwhile.
            if self._keys is not keys and self._keys is not None:
                return self._keys
            try:
                return await self._read()
            except UndecryptableError as fault:
                log.error("signing_key_cannot_be_opened", reason=str(fault))  # noqa: TRY400 - the reason is all
                raise ServiceUnavailable("There is no key to sign with.") from fault

    async def ensure_for_signing(self) -> None:
        """See to it that ``get_for_signing`` need not ask the database in the next moment.

        Reading the keys takes a connection of its own. Whoever asked for it while holding one, and
        on SQLite the write lock, could wait for itself.

        Raises:
            ServiceUnavailable: as ``get_for_signing``.
        """
        await self.get_for_signing(ahead=self._schedule.notice / 4)

    async def look_again(self) -> Keys:
        """The keys as they are in the database now: what every worker does every so often.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the active key.
        """
        async with self._reading:
            return await self._read()

    async def find_unknown(self) -> Keys | None:
        """The keys read anew, for a token that names none of those known; None in the cooldown.

        However many such tokens come, the database is asked every five seconds at most.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        now = self._clock.now()
        if self._looked_at is not None and abs(now - self._looked_at) < UNKNOWN_KID_COOLDOWN:
            return None
        try:
            found = await self.look_again()
        except UndecryptableError:
            found = None  # said in the log by whoever has to sign
        self._looked_at = now
        return found

    async def rotate(self, db: Transaction) -> list[StoredKey]:
        """Publish the next key, which signs once every validator can know it; all keys then.

        Effect: none where a next key is published already.
        """
        made = await self._made("next")
        stored = await repository.lock_keys(db)
        if self._schedule.find(stored, "next") is None:
            await repository.add(db, made)
            _log_published(made)
        return await repository.lock_keys(db)

    async def replace_now(self, db: Transaction) -> list[StoredKey]:
        """Have a new key sign at once and withdraw all others: for a key that others may have.

        Effect: every token signed before is refused, here within the notice, elsewhere when the
        JWK Set is fetched next. People stay logged in: their refresh tokens are good.
        """
        made = await self._made("active")
        stored = await repository.lock_keys(db)
        await repository.remove(db, (key for key in stored if key.algorithm == self._algorithm))
        await repository.add(db, made)
        log.warning("signing_keys_replaced", kid=made.kid)
        return await repository.lock_keys(db)

    async def _read(self) -> Keys:
        """Read the keys, do what is due, and open them."""
        now = self._clock.now()
        stored = await repository.list_keys(self._database)
        due = self._schedule.due(stored, now)
        if due and self._can_open(due):
            stored = await self._do(due, now)
        self._keys = self._opened(stored, now)
        return self._keys

    async def _do(self, due: DueChanges, now: datetime) -> list[StoredKey]:
        """Write what is due, unless another worker has done so meanwhile; all keys then."""
        # An RSA key takes a moment: it is made before any lock is held.
        made = None if due.wanted is None else await self._made(due.wanted)
        async with self._database.transaction() as db:
            due = self._schedule.due(await repository.lock_keys(db), now)
            await repository.remove(db, due.withdrawn)
            for key in due.changed:
                await repository.replace(db, key)
            if made is not None and made.state == due.wanted:
                await repository.add(db, made)
                _log_published(made)
            stored = await repository.lock_keys(db)
        for key in due.changed:
            log.info("signing_key_changed", kid=key.kid, state=key.state)
        return stored

    def _can_open(self, due: DueChanges) -> bool:
        """Whether this worker can sign with what is to be active; otherwise all stays as it is.

        A replica that lacks a secret must not end the key that it can still sign with.
        """
        try:
            for key in due.changed:
                open_signer(key, self._keyring)
        except UndecryptableError as fault:
            log.warning("signing_key_cannot_be_opened", reason=str(fault))
            return False
        return True

    async def _made(self, state: KeyState) -> StoredKey:
        now = self._clock.now()
        key = await asyncio.to_thread(new_key, self._algorithm, self._keyring, now)
        return self._schedule.made(key, state)

    def _opened(self, stored: Sequence[StoredKey], now: datetime) -> Keys:
        active = self._schedule.find(stored, "active")
        assert active is not None  # noqa: S101 - where there was none, it has just been made
        good = self._schedule.published(stored, now)
        signer = self._keys.signer if self._keys is not None else None
        if signer is None or signer.kid != active.kid:
            signer = open_signer(active, self._keyring)
        header = f'{{"alg":"{active.algorithm}","kid":"{active.kid}","typ":"at+jwt"}}'
        return Keys(
            signer=signer,
            header=encode_part(header.encode("ascii")),
            public={key.kid: open_public(key) for key in good},
            published=[published(key) for key in good],
            read_at=now,
        )

    def _age(self, keys: Keys) -> timedelta:
        return abs(self._clock.now() - keys.read_at)


def _log_published(key: StoredKey) -> None:
    signs_from = key.signs_from.isoformat(timespec="seconds")
    log.info("signing_key_published", kid=key.kid, state=key.state, signs_from=signs_from)
