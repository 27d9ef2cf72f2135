"""How long a try has to wait."""

import pytest

from auth_service.throttle.ladder import Ladder

LADDER = Ladder(free=5, longest=900)


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (14, 512), (15, 900), (10**9, 900)],
)
def test_the_wait_doubles_from_a_second_to_the_longest(tries: int, seconds: float) -> None:
    assert LADDER.wait_after(tries) == seconds
