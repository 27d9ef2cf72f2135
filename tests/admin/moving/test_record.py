"""An account as values of named fields, and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth_service.admin.moving.errors import RefusedFieldError
from auth_service.admin.moving.names import FIELDS
from auth_service.admin.moving.record import record_of, values_of
from auth_service.core.passwords import PasswordHash
from auth_service.users.account import AccountRecord

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MADE = datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=UTC)
ADA = AccountRecord(
    id=UUID("019b17d7-0dac-7549-bd4f-3506907d1583"),
    email="Ada@example.com",
    email_key="ada@example.com",
    email_verified=True,
    password_hash=PasswordHash("$hash$"),
    roles=["user", "admin"],
    created_at=MADE,
    last_login_at=MADE + timedelta(days=1),
    disabled_at=MADE + timedelta(days=2),
    disabled_until=NOW + timedelta(days=3),
)
BARE = replace(
    ADA,
    email_verified=False,
    password_hash=None,
    roles=[],
    last_login_at=None,
    disabled_at=None,
    disabled_until=None,
)


def read(**values: Any) -> AccountRecord:
    return record_of({"email": "Ada@example.com"} | values, objection=lambda _: None, now=NOW)


def refusal(**values: Any) -> str:
    with pytest.raises(RefusedFieldError) as caught:
        read(**values)
    return str(caught.value)


def test_a_record_written_and_read_is_the_same() -> None:
    for record in (ADA, BARE):
        assert read(**values_of(record)) == record


def test_the_values_are_texts_in_the_order_of_the_fields() -> None:
    values = values_of(ADA)
    assert tuple(values) == FIELDS
    assert values["created_at"] == "2024-05-06T07:08:09.120000Z"
    assert values["id"] == "019b17d7-0dac-7549-bd4f-3506907d1583"
    assert values["roles"] == ["user", "admin"]
    assert values["email_verified"] is True
    assert values_of(BARE)["password_hash"] is None


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_given_is_as_it_is_for_a_new_user(nothing: str | None) -> None:
    record = read(**dict.fromkeys(FIELDS[2:], nothing), id=nothing)
    assert record == AccountRecord(
        id=record.id,
        email="Ada@example.com",
        email_key="ada@example.com",
        email_verified=False,
        password_hash=None,
        roles=["user"],
        created_at=NOW,
        last_login_at=None,
        disabled_at=None,
        disabled_until=None,
    )


def test_every_record_without_an_id_gets_one_of_its_own() -> None:
    assert read().id != read().id
    assert read().id.version == 7


def test_the_default_roles_are_nobodys_to_change() -> None:
    read().roles.append("admin")
    assert read().roles == ["user"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_address_has_to_be_there(nothing: str | None) -> None:
    assert refusal(email=nothing) == "email is missing"


def test_a_hash_that_can_never_be_checked_is_refused_with_the_reason_and_not_repeated() -> None:
    with pytest.raises(RefusedFieldError) as caught:
        record_of(
            {"email": "ada@example.com", "password_hash": "md5$secret"},
            objection=lambda stored: "is too old" if stored == "md5$secret" else None,
            now=NOW,
        )
    assert str(caught.value) == "password_hash is too old"


@pytest.mark.parametrize("field", ["created_at", "last_login_at", "disabled_at"])
def test_what_has_happened_does_not_lie_in_the_future(field: str) -> None:
    assert refusal(**{field: "2026-11-24T12:00:01Z"}) == f"{field} lies in the future"
    assert getattr(read(**{field: "2026-11-24T12:00:00Z"}), field) == NOW + timedelta(days=1)


def test_a_disabled_account_is_so_from_now_on_unless_it_says_since_when() -> None:
    assert read(disabled=True).disabled_at == NOW
    assert read(disabled="1", disabled_at="2024-05-06").disabled_at == MADE.replace(
        hour=0, minute=0, second=0, microsecond=0
    )


def test_an_account_that_is_not_disabled_is_not() -> None:
    assert read(disabled=False).disabled_at is None


def test_a_disabled_account_may_be_so_until_a_time() -> None:
    record = read(disabled="t", disabled_until="2027-01-01")
    assert (record.disabled_at, record.disabled_until) == (NOW, datetime(2027, 1, 1, tzinfo=UTC))


def test_what_contradicts_itself_is_refused() -> None:
    assert refusal(disabled=False, disabled_at="2024-05-06").startswith("disabled is false")
    assert refusal(disabled_until="2027-01-01").startswith("disabled_until is given")
    assert refusal(disabled=False, disabled_until="2027-01-01").startswith("disabled_until is")
