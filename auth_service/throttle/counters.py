"""Where tries are counted: in this process, bounded; see ``shared_counters`` for Redis.

A *record* is what counts together and is forgotten together: all tries for one address, or all of
one device. Within it every ladder has a count and the time until which the next try has to wait. A
try is counted when it begins; until it is *settled* it is under way, and who is refused meanwhile
may ask again: it may yet turn out to be right, and all counts begin anew then.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from auth_service.throttle.ladder import Step

MEMORY_SECONDS: Final = 24 * 3600.0
"""How long a record is kept after its last try, or for its wait where that is longer: tries further
apart are not in a row. The hard stop, which is kept with the account, forgets nothing."""
MOST_LADDERS: Final = 512
"""Networks counted for one address; past that they begin anew, and the whole address's ladder
alone goes on."""


UNDER_WAY_SECONDS: Final = 30.0
"""A try that is not settled for so long never will be: its worker is gone."""
ASK_AGAIN: Final = -1.0
"""In place of a wait: it depends on tries that are under way."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One try, as it is counted: ``id`` is its own."""

    record: str
    steps: tuple[Step, ...]
    id: str


class Counters(Protocol):
    """Counts tries. All of it is at once: of parallel tries each sees those before it."""

    def take(self, entry: Entry, now: float) -> float:
        """Count a try on every ladder, or on none: 0, the seconds to wait, or ``ASK_AGAIN``.

        The first step is the one that outlasts a record's other ladders.
        """
        ...

    def settle(self, entry: Entry) -> None:
        """The try was wrong: it is no longer under way, and stays counted."""
        ...

    def give_back(self, entry: Entry) -> None:
        """Take back a try that was counted and turned out to be none."""
        ...

    def forget(self, record: str) -> None:
        """Begin anew with a record."""
        ...


class _Count:
    __slots__ = ("not_before", "tries")

    def __init__(self) -> None:
        self.tries = 0
        self.not_before = 0.0


class LocalCounters:
    """Counts in this process: at most ``most_records``, those tried longest ago go first."""

    def __init__(self, most_records: int = 50_000) -> None:
        self._most_records = most_records
        self._records: OrderedDict[str, tuple[float, dict[str, _Count]]] = OrderedDict()
        self._under_way: dict[str, dict[str, float]] = {}

    def take(self, entry: Entry, now: float) -> float:
        """Count a try on every ladder, or on none; see ``Counters``."""
        counts = self._counts(entry.record, now)
        wait = max(self._wait(counts, step, now) for step in entry.steps)
        if wait > 0:
            under_way = self._under_way.get(entry.record, {}).values()
            return ASK_AGAIN if any(until > now for until in under_way) else wait
        self.note(entry, now)
        return 0.0

    def note(self, entry: Entry, now: float) -> None:
        """Count a try, whatever the ladders say: one that was let through elsewhere."""
        record = entry.record
        self._under_way.setdefault(record, {})[entry.id] = now + UNDER_WAY_SECONDS
        counts = self._counts(record, now)
        if len(counts) >= MOST_LADDERS:
            first = entry.steps[0].name
            counts = {name: count for name, count in counts.items() if name == first}
        longest = 0.0
        for step in entry.steps:
            count = counts.setdefault(step.name, _Count())
            count.tries += 1
            wait = step.ladder.wait_after(count.tries)
            count.not_before = now + wait
            longest = max(longest, wait)
        self._records[record] = now + max(longest, MEMORY_SECONDS), counts
        self._records.move_to_end(record)
        while len(self._records) > self._most_records:
            self._records.popitem(last=False)

    def settle(self, entry: Entry) -> None:
        """The try was wrong: it is no longer under way, and stays counted."""
        under_way = self._under_way.get(entry.record, {})
        under_way.pop(entry.id, None)
        if not under_way:
            self._under_way.pop(entry.record, None)

    def give_back(self, entry: Entry) -> None:
        """Take back a try that was counted and turned out to be none."""
        self.settle(entry)
        _, counts = self._records.get(entry.record, (0.0, {}))
        for step in entry.steps:
            if count := counts.get(step.name):
                count.tries = max(0, count.tries - 1)
                count.not_before = 0.0

    def forget(self, record: str) -> None:
        """Begin anew with a record."""
        self._records.pop(record, None)
        self._under_way.pop(record, None)

    def _counts(self, record: str, now: float) -> dict[str, _Count]:
        kept_until, counts = self._records.get(record, (now, {}))
        return counts if kept_until > now else {}

    @staticmethod
    def _wait(counts: dict[str, _Count], step: Step, now: float) -> float:
        count = counts.get(step.name)
        # A clock that was set back must not make anybody wait for longer than the ladder says.
        return 0.0 if count is None else min(count.not_before - now, step.ladder.longest)
