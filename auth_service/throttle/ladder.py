"""Ladders: after so many tries in a row each further one has to wait, longer from step to step."""

from dataclasses import dataclass
from typing import Final

_MOST_DOUBLINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Ladder:
    """``free`` tries cost nothing; then the wait is ``first`` seconds, doubling to ``longest``.

    NIST SP 800-63B-4 section 3.2.2 asks for a limit; growing waits are one of the means it names.
    """

    free: int
    longest: float
    first: float = 1.0

    def wait_after(self, tries: int) -> float:
        """Seconds from the last of so many tries in a row until the next one is let through."""
        if tries < self.free:
            return 0.0
        return min(self.first * 2.0 ** min(tries - self.free, _MOST_DOUBLINGS), self.longest)


@dataclass(frozen=True, slots=True)
class Step:
    """A try as one ladder sees it: ``name`` tells the ladders of one record apart."""

    name: str
    ladder: Ladder
