"""Sealing what was committed, in the background, and dropping what is too old.

Nobody who writes an event waits for a seal: events get their places afterwards, from one worker at
a time. They are found by the absence of a seal among the newest ids. An id is made before its
transaction commits, so the look goes back further than a transaction can last; what a clock that is
far off puts further back still is found once an hour, when everything is looked through.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth_service.audit import seal_repository
from auth_service.audit.chain import NO_SEAL, ChainKey, Seal
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.repository import StoredEvent
from auth_service.core.clock import Clock
from auth_service.core.ids import first_id_at
from auth_service.db.batches import BATCH, in_batches
from auth_service.db.session import Database, Transaction
from auth_service.settings import Settings

LATEST_COMMIT: Final = timedelta(minutes=2)
"""Longer than a transaction lasts here: from an event's id to its commit."""
EVERYTHING_EVERY: Final = timedelta(hours=1)
CHECKPOINT_EVERY: Final = timedelta(minutes=1)


class Sealer:
    """Gives committed events their seals, signs checkpoints, and keeps to the retention."""

    def __init__(
        self, *, database: Database, keys: ChainKeys, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._retention = settings.audit_retention
        self._all_looked_at: datetime | None = None

    async def seal_all(self) -> int:
        """Seal every event there is to seal, in batches; how many those were.

        Raises:
            ServiceUnavailable: the database was lost; what is not sealed will be.
        """
        key = await self._keys.get()
        looks_at_all = self._looks_at_all()
        sealed = 0
        while (count := await self._seal_some(key, looks_at_all=looks_at_all)) == BATCH:
            sealed += count
        if looks_at_all:
            self._all_looked_at = self._clock.now()
        return sealed + count

    async def remove_old(self) -> None:
        """Delete events that are older than the retention, up to a checkpoint; the chain holds.

        Effect: the last checkpoint before the cut stays, for the rest to be verified from.
        """
        if not self._retention:
            return
        cut = self._clock.now() - self._retention
        async with self._database.transaction() as db:
            checkpoint = await seal_repository.find_last_checkpoint(db, made_before=cut)
        if checkpoint is None:
            return
        position = checkpoint.position
        await in_batches(
            self._database,
            lambda db: seal_repository.remove_up_to(db, position, limit=BATCH),
        )
        async with self._database.transaction() as db:
            await seal_repository.remove_checkpoints_before(db, position)

    async def _seal_some(self, key: ChainKey, *, looks_at_all: bool) -> int:
        async with self._database.transaction() as db:
            if not await seal_repository.try_lock(db):
                return 0
            last = await seal_repository.find_last(db)
            since = None if last is None or looks_at_all else self._since()
            events = await seal_repository.list_unsealed(db, since=since, limit=BATCH)
            if events:
                seals = _sealed(key, last, events)
                await seal_repository.add_seals(db, seals)
                last = seals[-1]
            if last is not None:
                await self._checkpoint(db, key, last)
            return len(events)

    async def _checkpoint(self, db: Transaction, key: ChainKey, last: Seal) -> None:
        """Sign the end of the chain, unless that was done, or another place a moment ago."""
        newest = await seal_repository.find_last_checkpoint(db)
        now = self._clock.now()
        if newest is not None and (
            newest.position == last.position or now - newest.made_at < CHECKPOINT_EVERY
        ):
            return
        await seal_repository.add_checkpoint(db, key.checkpoint(last.position, last.mac, now))

    def _looks_at_all(self) -> bool:
        looked_at = self._all_looked_at
        return looked_at is None or self._clock.now() - looked_at > EVERYTHING_EVERY

    def _since(self) -> UUID:
        return first_id_at(self._clock.now() - LATEST_COMMIT)


def _sealed(key: ChainKey, last: Seal | None, events: Sequence[StoredEvent]) -> list[Seal]:
    before, position = (NO_SEAL, 0) if last is None else (last.mac, last.position)
    seals = []
    for event in events:
        position += 1
        seal = key.seal(before, position, event)
        seals.append(seal)
        before = seal.mac
    return seals
