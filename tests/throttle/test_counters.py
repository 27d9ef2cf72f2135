"""Counting tries, in this process and in Redis: the same in both."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from auth_service.throttle.counters import (
    ASK_AGAIN,
    MEMORY_SECONDS,
    MOST_LADDERS,
    UNDER_WAY_SECONDS,
    Counters,
    Entry,
    LocalCounters,
)
from auth_service.throttle.ladder import Ladder, Step
from auth_service.throttle.shared_counters import SharedCounters

NOW = 1_800_000_000.0
ANYWHERE = Step("anywhere", Ladder(free=6, longest=60))
HERE = Step("192.0.2.0/24", Ladder(free=3, longest=900))
THERE = Step("198.51.100.0/24", Ladder(free=3, longest=900))


@pytest.fixture(params=["local", pytest.param("shared", marks=pytest.mark.redis)])
def counters(request: pytest.FixtureRequest) -> Iterator[Counters]:
    if request.param == "local":
        yield LocalCounters(most_records=3)
        return
    with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
        yield SharedCounters(client, most_records=3)


def waits(counters: Counters, step: Step, *times: float, record: str = "ada") -> list[float]:
    """The seconds that tries at these times would have to wait; 0 for those let through."""
    return [taken(counters, (ANYWHERE, step), NOW + seconds, record=record) for seconds in times]


def taken(counters: Counters, steps: tuple[Step, ...], now: float, *, record: str = "ada") -> float:
    """The seconds that a try would have to wait; one that is let through is wrong, at once."""
    entry = Entry(record, steps, secrets.token_hex(8))
    wait = counters.take(entry, now)
    counters.settle(entry)
    return round(wait, 2)


def test_tries_wait_longer_and_longer(counters: Counters) -> None:
    assert waits(counters, HERE, 0, 0, 0, 0, 0.5) == [0, 0, 0, 1, 0.5]
    assert waits(counters, HERE, 1, 1.1, 3, 3, 7) == [0, 1.9, 0, 4, 0]


def test_a_try_that_has_to_wait_is_not_counted(counters: Counters) -> None:
    waits(counters, HERE, 0, 0, 0, *[0.1] * 20)
    assert waits(counters, HERE, 1, 1) == [0, 2]


def test_networks_are_counted_apart_and_together(counters: Counters) -> None:
    assert waits(counters, HERE, 0, 0, 0) == [0, 0, 0]
    assert waits(counters, THERE, 0, 0, 0) == [0, 0, 0]
    # The address has had six by now.
    assert waits(counters, Step("203.0.113.0/24", HERE.ladder), 0) == [1]


def test_a_try_that_one_ladder_refuses_is_counted_by_none(counters: Counters) -> None:
    waits(counters, HERE, 0, 0, 0, *[0] * 10)
    assert waits(counters, THERE, 0, 0, 0) == [0, 0, 0]


def test_records_are_counted_apart(counters: Counters) -> None:
    waits(counters, HERE, 0, 0, 0)
    assert waits(counters, HERE, 0, record="bob") == [0]


def test_what_is_forgotten_begins_anew(counters: Counters) -> None:
    waits(counters, HERE, 0, 0, 0)
    counters.forget("ada")
    assert waits(counters, HERE, 0, 0, 0, 0) == [0, 0, 0, 1]


def test_what_is_given_back_was_no_try(counters: Counters) -> None:
    waits(counters, HERE, 0, 0, 0)
    counters.give_back(Entry("ada", (ANYWHERE, HERE), "1"))
    assert waits(counters, HERE, 0, 0) == [0, 1]


def test_nothing_is_given_back_that_was_not_counted(counters: Counters) -> None:
    counters.give_back(Entry("ada", (ANYWHERE, HERE), "1"))
    assert waits(counters, HERE, 0, 0, 0, 0) == [0, 0, 0, 1]


def test_a_clock_that_was_set_back_makes_nobody_wait_longer_than_the_longest(
    counters: Counters,
) -> None:
    step = Step("here", Ladder(free=1, longest=30, first=30))
    taken(counters, (step,), NOW)
    assert taken(counters, (step,), NOW - 3600) == 30


def test_those_that_were_tried_longest_ago_make_room(counters: Counters) -> None:
    for number, name in enumerate(("ada", "bob", "eve", "joe")):
        waits(counters, HERE, number, number, number, record=name)
    assert waits(counters, HERE, 3, record="joe") == [1]
    assert waits(counters, HERE, 3, record="eve") == [0]
    assert waits(counters, HERE, 3, record="ada") == [0]


def test_tries_a_day_apart_are_not_in_a_row() -> None:
    counters = LocalCounters()
    waits(counters, HERE, 0, 0, 0)
    later = MEMORY_SECONDS + 2
    assert waits(counters, HERE, later, later, later, later) == [0, 0, 0, 1]


@pytest.mark.redis
def test_redis_forgets_a_record_a_day_after_its_last_try(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        waits(SharedCounters(client), HERE, 0, 0, 0)
        ttl: Any = client.ttl("auth:{throttle}:ada")
        assert MEMORY_SECONDS - 10 < ttl <= MEMORY_SECONDS


def test_the_networks_of_one_address_are_bounded_and_its_own_count_goes_on(
    counters: Counters,
) -> None:
    endless = Step("anywhere", Ladder(free=MOST_LADDERS + 5, longest=60))
    free = Ladder(free=3, longest=900)
    for number in range(MOST_LADDERS + 4):
        assert taken(counters, (endless, Step(f"network-{number}", free)), NOW) == 0
    assert taken(counters, (endless, Step("last", free)), NOW) == 0
    assert taken(counters, (endless, Step("one too many", free)), NOW) == 1


def test_what_depends_on_tries_under_way_is_to_be_asked_again(counters: Counters) -> None:
    under_way = [Entry("ada", (ANYWHERE, HERE), str(number)) for number in range(3)]
    assert [counters.take(entry, NOW) for entry in under_way] == [0, 0, 0]
    assert waits(counters, HERE, 0) == [ASK_AGAIN]
    for entry in under_way:
        counters.settle(entry)
    assert waits(counters, HERE, 0) == [1]


def test_one_right_try_lets_those_that_wait_for_it_begin_anew(counters: Counters) -> None:
    for number in range(3):
        counters.take(Entry("ada", (ANYWHERE, HERE), str(number)), NOW)
    counters.forget("ada")
    assert waits(counters, HERE, 0, 0, 0, 0) == [0, 0, 0, 1]


def test_a_try_whose_worker_is_gone_is_not_waited_for(counters: Counters) -> None:
    step = Step("here", Ladder(free=1, longest=900, first=900))
    counters.take(Entry("ada", (step,), "gone"), NOW)
    assert taken(counters, (step,), NOW + UNDER_WAY_SECONDS - 1) == ASK_AGAIN
    assert taken(counters, (step,), NOW + UNDER_WAY_SECONDS + 1) == 900 - UNDER_WAY_SECONDS - 1
