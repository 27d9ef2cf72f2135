"""Verifying the chain: which row was changed, removed, moved or never sealed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from auth_service.audit import seal_repository
from auth_service.audit.chain import ERASURE_SIGNATURE, NO_SEAL, ChainKey, Checkpoint, Cut, Seal
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.seal_repository import SealedEvent
from auth_service.audit.sealer import EVERYTHING_EVERY, NIL
from auth_service.core.clock import Clock
from auth_service.db.session import Database

UNSEALED_AFTER: Final = 2 * EVERYTHING_EVERY
"""An event that is older than this, or older than the newest checkpoint by so much, was kept
from being sealed."""
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the chain: where, with which event, and what."""

    position: int | None
    event_id: UUID | None
    what: str


@dataclass
class Report:
    """How far the chain was followed, and what was wrong with it.

    ``unsealed`` counts the events that wait for a seal, which is no problem.
    """

    checked: int = 0
    first: Seal | None = None
    last: Seal | Cut | None = None
    unsealed: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, what: str, position: int | None = None, event_id: UUID | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(position, event_id, what))


class Verification:
    """Follows the chain from its beginning, or from where the retention cut it."""

    def __init__(self, *, database: Database, keys: ChainKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def count(self) -> int:
        """About how many seals there are to check."""
        return await seal_repository.count(self._database)

    async def verify(
        self,
        *,
        expected: tuple[int, bytes] | None = None,
        on_progress: Callable[[int], object] | None = None,
    ) -> Report:
        """Check every row that is sealed, every signed place, and that what is old is sealed.

        May run beside the service: what is sealed, erased or dropped meanwhile is no problem.
        ``expected`` is a place and its seal that an earlier run has seen.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the chain's key.
        """
        async with self._database.transaction() as db:
            newest = await seal_repository.find_last_checkpoint(db)
        walk = _Walk(await self._keys.get(), expected)
        await self._goes_on_from_a_cut(walk)
        while page := await seal_repository.list_sealed(
            self._database, after=walk.position, limit=_PAGE
        ):
            await self._follow(walk, page)
            if on_progress is not None:
                on_progress(walk.report.checked)
        walk.end(newest)
        await self._look_for_unsealed(walk.report, newest)
        return walk.report

    async def _follow(self, walk: "_Walk", page: list[SealedEvent]) -> None:
        first, last = page[0].seal.position, page[-1].seal.position
        erased = {
            found.event.subject_id
            for found in page
            if found.event is not None and walk.was_erased(found)
        }
        subjects = {subject for subject in erased if subject is not None}
        deleted = {
            subject
            for subject, details in await seal_repository.list_deletions(self._database, subjects)
            if walk.key.signed_erasure(subject, details.get(ERASURE_SIGNATURE))
        }
        if (first > walk.position + 1 or erased - deleted) and await self._goes_on_from_a_cut(walk):
            return
        for checkpoint in await seal_repository.list_checkpoints(
            self._database, after=walk.position, up_to=last
        ):
            walk.expect(checkpoint)
        for found in page:
            walk.follow(found, deleted)

    async def _goes_on_from_a_cut(self, walk: "_Walk") -> bool:
        """Take the walk to where the retention cut the chain, if that is further on."""
        async with self._database.transaction() as db:
            cut = await seal_repository.find_cut(db)
            if cut is None or cut.position <= walk.position:
                return False
            left = await seal_repository.find_end_of_some(db, up_to=cut.position, count=_PAGE)
        walk.go_on_from(cut)
        if left is not None:
            walk.report.add("a seal from before the chain's beginning", left.position)
        return True

    async def _look_for_unsealed(self, report: Report, newest: Checkpoint | None) -> None:
        after: UUID | None = NIL
        while after is not None:
            async with self._database.transaction() as db:
                up_to = await seal_repository.find_end_of_ids(db, after=after, count=_PAGE)
                for event in await seal_repository.list_unsealed(db, after=after, up_to=up_to):
                    if newest and event.happened_at < newest.made_at - UNSEALED_AFTER:
                        report.add("the event was never sealed", event_id=event.id)
                    elif event.happened_at < self._clock.now() - UNSEALED_AFTER:
                        report.add(
                            "the event waits for a seal for two hours: does the service run?",
                            event_id=event.id,
                        )
                    else:
                        report.unsealed += 1
            after = up_to


class _Walk:
    """A walk along the chain, from one seal to the next."""

    def __init__(self, key: ChainKey, expected: tuple[int, bytes] | None) -> None:
        self.report = Report()
        self.position = 0
        self._mac = NO_SEAL
        self.key = key
        self._expected = expected
        self._checkpoints: dict[int, Checkpoint] = {}

    def go_on_from(self, cut: Cut) -> None:
        """Go on after what the retention removed."""
        if not self.key.made(cut):
            self.report.add("where the retention cut the chain was changed", cut.position)
        self._step(cut)

    def expect(self, checkpoint: Checkpoint) -> None:
        """Have the seal of a checkpoint to come compared with it."""
        self._checkpoints[checkpoint.position] = checkpoint
        if not self.key.made(checkpoint):
            self.report.add("the checkpoint was changed", checkpoint.position)

    def follow(self, found: SealedEvent, deleted: set[UUID]) -> None:
        """Check the next seal, and its event."""
        seal, event = found.seal, found.event
        self._miss_up_to(seal.position)
        before = self._mac
        self._step(seal)
        self.report.first = self.report.first or seal
        self.report.checked += 1

        def wrong(what: str) -> None:
            self.report.add(what, seal.position, seal.event_id)

        if event is None:
            wrong("the event was removed")
        else:
            if self.key.mac_of(before, seal.position, event, seal.personal) != seal.mac:
                wrong("the event or its seal was changed or moved")
            if self.was_erased(found):
                if event.subject_id not in deleted:
                    wrong(
                        "what is personal in the event was erased, but the service did not delete "
                        "its account"
                    )
            elif self.key.commitment(event) != seal.personal:
                wrong("what is personal in the event was changed")
        checkpoint = self._checkpoints.get(seal.position)
        if checkpoint is not None and checkpoint.mac != seal.mac:
            wrong("the seal is not the one that was signed")

    def was_erased(self, found: SealedEvent) -> bool:
        """Whether nothing personal is left in an event, and that is not how it was sealed."""
        event = found.event
        return (
            event is not None
            and not (event.salt or event.ip or event.user_agent or event.request_id)
            and not event.details
            and self.key.commitment(event) != found.seal.personal
        )

    def end(self, newest: Checkpoint | None) -> None:
        """Check that the chain is as long as it was known to be, ``newest`` when this began."""
        if newest is None:
            if self.position and not self._checkpoints:
                self.report.add("every checkpoint was removed", self.position)
        elif newest.position > self.position:
            if self.key.made(newest):
                self.report.add("the last rows up to here were removed", newest.position)
            else:
                self.report.add("the checkpoint was changed", newest.position)
        if self._expected is not None:
            self.report.add("the head that was expected is not in the chain", self._expected[0])

    def _miss_up_to(self, position: int) -> None:
        if self.position == 0 and position > 1:
            self.report.add("everything up to here was removed", position - 1)
            return
        for missing in range(self.position + 1, position):
            self.report.add("the seal was removed", missing)

    def _step(self, place: Seal | Cut) -> None:
        self.position, self._mac = place.position, place.mac
        self.report.last = place
        if self._expected == (place.position, place.mac):
            self._expected = None
