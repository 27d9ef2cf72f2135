"""Verifying the chain: which row was changed, removed, moved or never sealed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth_service.audit import seal_repository
from auth_service.audit.actions import Action
from auth_service.audit.chain import NO_SEAL, ChainKey, Checkpoint, Seal, commitment
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.seal_repository import SealedEvent
from auth_service.core.clock import Clock
from auth_service.db.session import Database
from auth_service.settings import Settings

UNSEALED_AFTER: Final = timedelta(minutes=10)
"""An event that has no seal for so long has been kept from it."""
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the chain: where, with which event, and what."""

    position: int | None
    event_id: UUID | None
    what: str


@dataclass
class Report:
    """How far the chain was followed, and what was wrong with it."""

    checked: int = 0
    first: Seal | None = None
    last: Seal | None = None
    problems: list[Problem] = field(default_factory=list)
    expected: tuple[int, bytes] | None = None


class Verification:
    """Follows the chain from its beginning, or from the checkpoint that the retention left."""

    def __init__(
        self, *, database: Database, keys: ChainKeys, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._retention = settings.audit_retention

    async def count(self) -> int:
        """About how many seals there are to check."""
        return await seal_repository.count(self._database)

    async def verify(
        self,
        *,
        expected: tuple[int, bytes] | None = None,
        on_progress: Callable[[int], object] | None = None,
    ) -> Report:
        """Check every row that is sealed, every checkpoint, and that what is old is sealed.

        ``expected`` is a place and its seal that an earlier run has seen.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the chain's key.
        """
        key = await self._keys.get()
        checkpoints = await seal_repository.list_checkpoints(self._database)
        deleted = await seal_repository.list_deleted_subjects(
            self._database, Action.USER_DELETED.value
        )
        report = Report(expected=expected)
        signed = {checkpoint.position: checkpoint for checkpoint in checkpoints}
        async for found in self._chain():
            self._check(report, key, signed, deleted, found)
            if on_progress is not None:
                on_progress(report.checked)
        report.problems += self._checkpoint_problems(key, checkpoints, report)
        report.problems += await self._unsealed()
        if report.expected is not None:
            report.problems.append(
                Problem(report.expected[0], None, "the head that was expected is not in the chain")
            )
        return report

    async def _chain(self) -> AsyncIterator[SealedEvent]:
        after = -1
        while page := await seal_repository.list_sealed(self._database, after=after, limit=_PAGE):
            for found in page:
                yield found
            after = page[-1].seal.position

    def _check(
        self,
        report: Report,
        key: ChainKey,
        signed: dict[int, Checkpoint],
        deleted: set[UUID],
        found: SealedEvent,
    ) -> None:
        seal, event = found.seal, found.event
        before = self._before(report, signed, seal)
        report.first = report.first or seal
        report.last = seal
        report.checked += 1
        if report.expected == (seal.position, seal.mac):
            report.expected = None

        def wrong(what: str) -> None:
            report.problems.append(Problem(seal.position, seal.event_id, what))

        if event is None:
            wrong("the event was removed")
            return
        if key.mac_of(before, seal.position, event, seal.personal) != seal.mac:
            wrong("the event or its seal was changed or moved")
        if commitment(event) != seal.personal:
            if event.salt is not None or event.details or event.ip or event.user_agent:
                wrong("what is personal in the event was changed")
            elif event.subject_id not in deleted:
                wrong("what is personal in the event was erased, but its account was not deleted")
        checkpoint = signed.get(seal.position)
        if checkpoint is not None and checkpoint.mac != seal.mac:
            wrong("the seal is not the one that was signed")

    def _before(self, report: Report, signed: dict[int, Checkpoint], seal: Seal) -> bytes:
        """The seal that this one has to follow."""
        if report.last is not None:
            for missing in range(report.last.position + 1, seal.position):
                report.problems.append(Problem(missing, None, "the seal was removed"))
            return report.last.mac
        if seal.position == 1:
            return NO_SEAL
        cut = signed.get(seal.position - 1)
        if cut is None or not self._may_begin_after(cut):
            report.problems.append(
                Problem(seal.position - 1, None, "everything up to here was removed")
            )
        return cut.mac if cut is not None else NO_SEAL

    def _may_begin_after(self, checkpoint: Checkpoint) -> bool:
        """Whether the retention had what came before this checkpoint dropped."""
        cut = self._clock.now() - self._retention
        return bool(self._retention) and checkpoint.made_at < cut

    def _checkpoint_problems(
        self, key: ChainKey, checkpoints: list[Checkpoint], report: Report
    ) -> list[Problem]:
        last = report.last.position if report.last else 0
        problems = []
        for checkpoint in checkpoints:
            if not key.made(checkpoint):
                problems.append(Problem(checkpoint.position, None, "the checkpoint was changed"))
            elif checkpoint.position > last and not self._may_begin_after(checkpoint):
                problems.append(
                    Problem(checkpoint.position, None, "the last rows up to here were removed")
                )
        if report.last is not None and not checkpoints:
            problems.append(Problem(last, None, "every checkpoint was removed"))
        return problems

    async def _unsealed(self) -> list[Problem]:
        async with self._database.transaction() as db:
            found = await seal_repository.list_unsealed(
                db, since=None, before=self._clock.now() - UNSEALED_AFTER, limit=_PAGE
            )
        return [Problem(None, event.id, "the event was never sealed") for event in found]
