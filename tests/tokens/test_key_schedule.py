"""When a key is published, signs, retires and goes: decided from the rows and the time alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth_service.settings import Settings
from auth_service.tokens.key_schedule import DueChanges, KeySchedule
from auth_service.tokens.signing_key import KeyState, StoredKey

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CACHE, NOTICE, TTL = timedelta(minutes=5), timedelta(minutes=1), timedelta(minutes=15)
INTERVAL = timedelta(days=90)
MOMENT = timedelta(microseconds=1)
SCHEDULE = KeySchedule(
    algorithm="ES256", interval=INTERVAL, cache_ttl=CACHE, notice=NOTICE, token_ttl=TTL
)
NOTHING = DueChanges(wanted=None, changed=(), withdrawn=())


def key(state: KeyState, **changes: Any) -> StoredKey:
    made = StoredKey(
        kid=f"the {state} one",
        algorithm="ES256",
        state=state,
        public_jwk={},
        private_key=b"",
        created_at=NOW,
        signs_from=NOW,
        token_seconds=900,
    )
    return replace(made, **changes)


def test_without_any_key_one_is_made_that_signs_at_once() -> None:
    assert SCHEDULE.due([], NOW) == replace(NOTHING, wanted="active")
    assert SCHEDULE.made(key("next", token_seconds=0), "active") == replace(
        key("active"), kid="the next one"
    )


def test_a_key_of_another_algorithm_does_not_count() -> None:
    other = key("active", algorithm="RS256")
    assert SCHEDULE.due([other], NOW).wanted == "active"
    assert SCHEDULE.published([other], NOW) == []


def test_an_active_key_within_its_time_is_left_alone() -> None:
    due = SCHEDULE.due([key("active")], NOW + INTERVAL - MOMENT)
    assert due == NOTHING
    assert not due


def test_an_active_key_that_has_served_its_time_gets_a_successor_and_goes_on() -> None:
    due = SCHEDULE.due([key("active")], NOW + INTERVAL)
    assert due == replace(NOTHING, wanted="next")
    assert due


def test_a_next_key_is_published_for_the_cache_time_and_the_notice_before_it_signs() -> None:
    made = SCHEDULE.made(key("active"), "next")
    assert (made.state, made.signs_from) == ("next", NOW + CACHE + NOTICE)


def test_a_next_key_whose_time_has_not_come_changes_nothing() -> None:
    keys = [key("active"), key("next", signs_from=NOW + MOMENT)]
    assert SCHEDULE.due(keys, NOW) == NOTHING


def test_no_second_next_key_is_made_however_old_the_active_one_is() -> None:
    keys = [key("active", signs_from=NOW - 2 * INTERVAL), key("next", signs_from=NOW + MOMENT)]
    assert SCHEDULE.due(keys, NOW) == NOTHING


def test_when_its_time_has_come_the_next_key_signs_and_the_old_one_retires_first() -> None:
    due = SCHEDULE.due([key("active"), key("next", token_seconds=0)], NOW)
    old, new = due.changed
    assert (old.kid, old.state, old.retired_at) == ("the active one", "retired", NOW)
    assert old.published_until == NOW + NOTICE + TTL
    assert (new.kid, new.state, new.signs_from) == ("the next one", "active", NOW)
    assert new.token_seconds == 900
    assert (due.wanted, due.withdrawn) == (None, ())


def test_a_next_key_takes_over_at_once_where_none_is_active() -> None:
    (new,) = SCHEDULE.due([key("next", signs_from=NOW + CACHE)], NOW).changed
    assert (new.state, new.signs_from) == ("active", NOW)


def test_a_key_is_kept_for_the_longest_life_its_tokens_had() -> None:
    signed_for_a_day = key("active", token_seconds=86_400)
    assert SCHEDULE.retired(signed_for_a_day, NOW).published_until == (
        NOW + NOTICE + timedelta(days=1)
    )


@pytest.mark.parametrize(("noted", "becomes"), [(0, 900), (899, 900)])
def test_a_longer_life_is_noted_before_a_token_has_it(noted: int, becomes: int) -> None:
    (changed,) = SCHEDULE.due([key("active", token_seconds=noted)], NOW).changed
    assert changed == key("active", token_seconds=becomes)


def test_a_shorter_life_is_not_noted() -> None:
    assert SCHEDULE.due([key("active", token_seconds=901)], NOW) == NOTHING


def test_a_retired_key_stays_to_the_last_moment_and_then_goes() -> None:
    retired = key("retired", retired_at=NOW, published_until=NOW + TTL)
    keys = [key("active"), retired]
    before = NOW + TTL - MOMENT
    assert SCHEDULE.due(keys, before) == NOTHING
    assert SCHEDULE.published(keys, before) == keys
    assert SCHEDULE.due(keys, NOW + TTL) == replace(NOTHING, withdrawn=(retired,))
    assert SCHEDULE.published(keys, NOW + TTL) == [keys[0]]


def test_a_retired_key_of_another_algorithm_goes_too() -> None:
    retired = key("retired", algorithm="RS256", published_until=NOW)
    assert SCHEDULE.due([key("active"), retired], NOW).withdrawn == (retired,)


def test_the_schedule_is_that_of_the_settings() -> None:
    found = KeySchedule.of(
        Settings(
            jwt_algorithm="RS256",
            key_rotation_interval=timedelta(days=30),
            key_check_interval=timedelta(seconds=10),
            jwks_cache_ttl=timedelta(hours=1),
            access_token_ttl=timedelta(minutes=5),
        )
    )
    assert found == KeySchedule(
        algorithm="RS256",
        interval=timedelta(days=30),
        notice=timedelta(seconds=20),
        cache_ttl=timedelta(hours=1),
        token_ttl=timedelta(minutes=5),
    )
