"""How the values of a record are spelled."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from auth_service.admin.moving.errors import RefusedFieldError
from auth_service.admin.moving.fields import (
    read_email,
    read_flag,
    read_id,
    read_moment,
    read_roles,
    read_text,
)

MOMENT = datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=UTC)
ID = UUID("019b17d7-0dac-7549-bd4f-3506907d1583")
NO_TEXT = [17, 1.5, True, ["a"], {"a": "b"}]


@pytest.mark.parametrize("value", [True, 1, "1", "true", "TRUE", "t", "yes", "Y"])
def test_yes_is_spelled_in_many_ways(value: Any) -> None:
    assert read_flag("email_verified", value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False", "f", "no", "n"])
def test_no_is_spelled_in_many_ways(value: Any) -> None:
    assert read_flag("email_verified", value) is False


@pytest.mark.parametrize("value", ["", "on", "2", 2, -1, 1.0, [], {}, "tru", "\u0661"])
def test_what_is_neither_is_refused(value: Any) -> None:
    with pytest.raises(RefusedFieldError, match="email_verified is neither true nor false"):
        read_flag("email_verified", value)


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-06T07:08:09.12Z",
        "2024-05-06T07:08:09.120000Z",
        "2024-05-06 07:08:09.120000",
        "2024-05-06 07:08:09.12",
        "2024-05-06 07:08:09.120000+00",
        "2024-05-06 07:08:09.12+00:00",
        "2024-05-06 07:08:09.12 +0000",
        "2024-05-06 07:08:09.12 UTC",
        "2024-05-06 09:08:09.12+02",
        "2024-05-06T02:38:09.120000000-04:30",
        " 2024-05-06 07:08:09.12 ",
    ],
)
def test_a_time_is_read_as_rfc_3339_and_databases_spell_it(value: str) -> None:
    assert read_moment("created_at", value) == MOMENT


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
        ("2024-05-06 07:08", datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        ("2024-05-06T07:08:09", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_a_time_may_be_less_exact(value: str, moment: datetime) -> None:
    assert read_moment("created_at", value) == moment


def test_a_time_is_kept_in_utc() -> None:
    found = read_moment("created_at", "2024-05-06T09:08:09+02:00")
    assert found.tzinfo is UTC
    assert found.hour == 7
    assert found == datetime(2024, 5, 6, 9, 8, 9, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "1714979289",
        "06.05.2024",
        "5/6/2024",
        "2024-05",
        "2024-W19-1",
        "20240506T070809Z",
        "2024-05-06T07:08:09.1234567890Z",
        "2024-05-06T07:08:09+2",
        "2024-05-06 07:08:09 CET",
        "2024-05-06\n",
        "\u0662\u0660\u0662\u0664-05-06",
        "infinity",
        "0000-00-00 00:00:00",
        "2024-02-30",
        "2024-05-06T24:00:00Z",
        "2024-05-06T07:08:60Z",
        "2024-05-06T07:08:09+25:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        *NO_TEXT,
    ],
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    if value == "2024-05-06\n":
        assert read_moment("created_at", value) == datetime(2024, 5, 6, tzinfo=UTC)
        return
    with pytest.raises(RefusedFieldError, match=r"^created_at is no t"):
        read_moment("created_at", value)


@pytest.mark.parametrize(
    "value",
    [
        ["user", "admin"],
        "user admin",
        "user,admin",
        "user, admin",
        "user;admin",
        "user|admin",
        '["user", "admin"]',
        " user admin ",
        ["user", "admin", "user"],
    ],
)
def test_roles_are_a_list_or_a_text_of_them(value: Any) -> None:
    assert read_roles("roles", value) == ["user", "admin"]


@pytest.mark.parametrize("value", [[], "[]"])
def test_a_list_may_be_empty(value: Any) -> None:
    assert read_roles("roles", value) == []


@pytest.mark.parametrize(
    "value",
    [
        "Admin",
        "{user,admin}",
        "user,,Admin",
        "17",
        "r" * 65,
        "us\0er",
        '["user"',
        '{"user": 1}',
        '["user", 1]',
        ["user", 1],
        ["user", None],
        [["user"]],
        ["two words"],
        {"user": True},
        17,
        True,
    ],
)
def test_what_is_no_list_of_roles_is_refused(value: Any) -> None:
    with pytest.raises(RefusedFieldError, match=r"^roles has something that is no role"):
        read_roles("roles", value)


def test_no_more_roles_than_a_token_can_hold() -> None:
    roles = [f"role{number}" for number in range(51)]
    assert read_roles("roles", roles[:50]) == roles[:50]
    with pytest.raises(RefusedFieldError, match="or more than 50"):
        read_roles("roles", roles)


@pytest.mark.parametrize(
    "value", [str(ID), str(ID).upper(), ID.hex, f"{{{ID}}}", ID.urn, f" {ID} "]
)
def test_an_id_is_a_uuid_in_any_spelling(value: str) -> None:
    assert read_id("id", value) == ID


@pytest.mark.parametrize("value", ["17", "", "ada", f"{ID}0", *NO_TEXT])
def test_what_is_no_uuid_is_refused(value: Any) -> None:
    with pytest.raises(RefusedFieldError, match=r"^id is no UUID .with --ignore id"):
        read_id("id", value)


def test_an_address_is_read_as_everywhere() -> None:
    assert read_email("email", " ADA@Example.com ").key == "ada@example.com"


@pytest.mark.parametrize("value", ["", "ada", "a\0@example.com", "\ud800@example.com", "a@b@c"])
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(RefusedFieldError, match=r"^email is no valid address"):
        read_email("email", value)


@pytest.mark.parametrize("value", [None, *NO_TEXT])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(RefusedFieldError, match=r"^password_hash is no text"):
        read_text("password_hash", value)
