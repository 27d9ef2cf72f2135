"""Sealing what was committed, in the background, and dropping what is too old.

Nobody who writes an event waits for a seal: events get their places afterwards, from one worker at
a time. They are found by the absence of a seal among the ids since the last look. An id is made
before its transaction commits, so a look goes back further than a transaction can last; what a
clock that is far off puts further back still is found once an hour, when everything is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth_service.audit import seal_repository
from auth_service.audit.chain import NO_SEAL, ChainKey, Checkpoint, Cut, Seal
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.repository import StoredEvent
from auth_service.core.clock import Clock
from auth_service.core.ids import first_id_at
from auth_service.db.batches import BATCH
from auth_service.db.session import Database, Transaction
from auth_service.settings import Settings

LATEST_COMMIT: Final = timedelta(minutes=2)
"""Longer than a transaction lasts here: from an event's id to its commit."""
EVERYTHING_EVERY: Final = timedelta(hours=1)
STOPPED_AFTER: Final = timedelta(minutes=5)
STOPPED_AFTER_INTERVALS: Final = 5
"""Events that wait for longer than both are a sign that something keeps them from being sealed."""
CHECKPOINT_EVERY: Final = timedelta(minutes=1)
NIL: Final = UUID(int=0)


class Sealer:
    """Gives committed events their seals, signs checkpoints, and keeps to the retention."""

    def __init__(
        self, *, database: Database, keys: ChainKeys, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._retention = settings.audit_retention
        self._patience = max(STOPPED_AFTER, STOPPED_AFTER_INTERVALS * settings.audit_seal_interval)
        self._looked_at: datetime | None = None
        self._all_looked_at: datetime | None = None
        self._seen_at = clock.now()
        self._waiting_since: datetime | None = None

    async def seal_all(self) -> int:
        """Seal every event there is to seal, in batches; how many those were.

        Raises:
            ServiceUnavailable: the database was lost; what is not sealed will be.
        """
        key = await self._keys.get()
        begun = self._clock.now()
        looks_at_all = self._is_due_to_look_at_all(begun)
        after: UUID | None = NIL if looks_at_all else self._first_to_look_at(begun)
        sealed = 0
        while after is not None:
            look = await self._seal_some(key, after)
            if look is None:
                await self._see_what_waits(begun)
                return sealed
            sealed += look.sealed
            after = look.up_to
        self._looked_at = self._seen_at = begun
        self._waiting_since = None
        if looks_at_all:
            self._all_looked_at = begun
        return sealed

    def longest_wait(self) -> timedelta:
        """For how long the oldest event without a seal has waited for one, at most.

        By the clock, and as far as this worker knows: where it could not look, everything since it
        last did may be waiting.
        """
        return max(self._clock.now() - (self._waiting_since or self._seen_at), timedelta(0))

    @property
    def has_stopped(self) -> bool:
        """Whether events wait for longer than they do where every worker is well."""
        return self.longest_wait() > self._patience

    async def _see_what_waits(self, now: datetime) -> None:
        """Note since when events have waited, while somebody else holds the lock."""
        after = first_id_at(now - 2 * self._patience)
        found = await seal_repository.find_oldest_unsealed(self._database, after=after)
        self._waiting_since = found and min(found, self._waiting_since or found)
        self._seen_at = now

    async def remove_old(self) -> None:
        """Delete events that are older than the retention, up to a checkpoint; the chain holds.

        Effect: batch after batch goes, each up to a place that is signed in the same transaction,
        so that what is left can be verified at any time, and after a batch that was the last.
        """
        if not self._retention:
            return
        key = await self._keys.get()
        now = self._clock.now()
        async with self._database.transaction() as db:
            checkpoint = await seal_repository.find_last_checkpoint(
                db, made_before=now - self._retention
            )
        if checkpoint is None:
            return
        while await self._remove_some(key, checkpoint.position, now):
            pass

    async def _remove_some(self, key: ChainKey, up_to: int, now: datetime) -> bool:
        """Remove a batch; False where there was none."""
        async with self._database.transaction() as db:
            await seal_repository.lock(db, key.lock_number)
            last = await seal_repository.find_end_of_some(db, up_to=up_to, count=BATCH)
            if last is None:
                return False
            await seal_repository.add_cut(db, key.sign(Cut, last.position, last.mac, now))
            await seal_repository.remove_up_to(db, last.position)
            return True

    async def _seal_some(self, key: ChainKey, after: UUID) -> "_Look | None":
        """Look at the next ids; None where another worker is at it."""
        async with self._database.transaction() as db:
            if not await seal_repository.try_lock(db, key.lock_number):
                return None
            up_to = await seal_repository.find_end_of_ids(db, after=after, count=BATCH)
            events = await seal_repository.list_unsealed(db, after=after, up_to=up_to)
            last = await seal_repository.find_last(db) or await seal_repository.find_cut(db)
            if events:
                seals = _sealed(key, last, events)
                await seal_repository.add_seals(db, seals)
                last = seals[-1]
            if last is not None:
                await self._checkpoint(db, key, last)
            return _Look(len(events), up_to)

    async def _checkpoint(self, db: Transaction, key: ChainKey, last: Seal | Cut) -> None:
        """Sign the end of the chain, unless that was done, or another place a moment ago."""
        newest = await seal_repository.find_last_checkpoint(db)
        now = self._clock.now()
        if newest is not None and (
            newest.position == last.position or abs(now - newest.made_at) < CHECKPOINT_EVERY
        ):
            return
        checkpoint = key.sign(Checkpoint, last.position, last.mac, now)
        await seal_repository.add_checkpoint(db, checkpoint)

    def _is_due_to_look_at_all(self, now: datetime) -> bool:
        looked_at = self._all_looked_at
        return looked_at is None or abs(now - looked_at) > EVERYTHING_EVERY

    def _first_to_look_at(self, now: datetime) -> UUID:
        """From where this worker has to look: others may have looked since, or may be gone."""
        return first_id_at(min(now, self._looked_at or now) - LATEST_COMMIT)


@dataclass(frozen=True, slots=True)
class _Look:
    """How many events were sealed, and up to which id; to the end where there is None."""

    sealed: int
    up_to: UUID | None


def _sealed(key: ChainKey, last: Seal | Cut | None, events: Sequence[StoredEvent]) -> list[Seal]:
    before, position = (NO_SEAL, 0) if last is None else (last.mac, last.position)
    seals = []
    for event in events:
        position += 1
        seal = key.seal(before, position, event)
        seals.append(seal)
        before = seal.mac
    return seals
