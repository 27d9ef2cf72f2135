"""Whether an account may be used, and how it is shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from auth_service.users.account import Account
from auth_service.users.schemas import UserAnswer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = Account(
    id=UUID("019b17d7-0dac-7549-bd4f-3506907d1583"),
    email="ada@example.com",
    email_verified=False,
    roles=["user"],
    created_at=NOW,
    last_login_at=None,
    disabled_at=None,
    disabled_until=None,
)


def test_an_account_is_enabled_unless_it_was_disabled() -> None:
    assert ADA.is_enabled(NOW)
    assert not replace(ADA, disabled_at=NOW).is_enabled(NOW + timedelta(days=3650))


@pytest.mark.parametrize(("seconds", "enabled"), [(-1, False), (0, True), (1, True)])
def test_an_account_disabled_until_a_time_is_enabled_from_then_on(
    seconds: int, *, enabled: bool
) -> None:
    banned = replace(ADA, disabled_at=NOW, disabled_until=NOW + timedelta(days=1))
    assert banned.is_enabled(NOW + timedelta(days=1, seconds=seconds)) is enabled


def test_an_end_without_a_beginning_disables_nothing() -> None:
    assert replace(ADA, disabled_until=NOW + timedelta(days=1)).is_enabled(NOW)


def test_an_account_is_shown_with_the_fields_of_the_contract() -> None:
    assert json.loads(UserAnswer.of(ADA).model_dump_json()) == {
        "id": "019b17d7-0dac-7549-bd4f-3506907d1583",
        "email": "ada@example.com",
        "email_verified": False,
        "roles": ["user"],
        "created_at": "2026-11-23T12:00:00.000000Z",
        "last_login_at": None,
    }


def test_its_owner_does_not_see_whether_it_is_disabled() -> None:
    banned = replace(ADA, disabled_at=NOW, disabled_until=NOW)
    assert not any("disabled" in name for name in UserAnswer.of(banned).model_dump())


def test_a_time_ends_with_z_and_has_microseconds() -> None:
    seen = replace(ADA, last_login_at=NOW.replace(microsecond=5))
    shown = json.loads(UserAnswer.of(seen).model_dump_json())
    assert shown["last_login_at"] == "2026-11-23T12:00:00.000005Z"


def test_the_example_in_the_documentation_is_a_real_answer() -> None:
    schema = UserAnswer.model_json_schema()
    (example,) = schema["examples"]
    assert json.loads(UserAnswer.model_validate(example).model_dump_json()) == example
