"""Refusals as facts, before anything knows of HTTP."""

import pytest

from auth_service.core.errors import (
    DomainError,
    FieldFault,
    Kind,
    ServiceUnavailable,
    ValidationFailed,
)


class Refused(DomainError):
    """Refused."""

    kind = Kind.FORBIDDEN
    code = "refused"
    title = "Refused"


class RefusedAgain(Refused):
    """Without a code of its own."""


class RefusedForever(RefusedAgain):
    """With one."""

    code = "refused_forever"


def test_without_a_detail_the_title_says_it() -> None:
    assert Refused().detail == str(Refused()) == "Refused"


def test_a_detail_says_more() -> None:
    assert str(Refused("Refused, since it is late.")) == "Refused, since it is late."


def test_an_empty_detail_stays_empty() -> None:
    assert Refused("").detail == ""


def test_nothing_is_kept_and_nothing_promised_unless_it_is_said() -> None:
    assert Refused.keeps_writes is False
    assert Refused().retry_after is None
    assert Refused().oauth_error is None
    assert dict(Refused().extensions) == {}


def test_extensions_are_not_shared_by_accident() -> None:
    with pytest.raises(TypeError):
        Refused().extensions["shared"] = True  # type: ignore[index]


def test_the_wait_is_the_class_s_unless_the_error_knows_better() -> None:
    assert ServiceUnavailable().retry_after == 1
    assert ServiceUnavailable(retry_after=0).retry_after == 0
    assert ServiceUnavailable.retry_after == 1


def test_only_errors_with_a_code_of_their_own_are_listed_at_any_depth() -> None:
    listed = list(Refused.all_kinds())
    assert listed == [RefusedForever]
    assert Refused in set(DomainError.all_kinds())


def test_faults_of_fields_are_told_together() -> None:
    faults = (
        FieldFault("/email", "missing", "An address is required."),
        FieldFault("/password", "too_short", "It is too short."),
    )
    error = ValidationFailed(faults)
    assert error.faults == faults
    assert error.detail == "2 fields cannot be accepted."
    assert ValidationFailed(faults[:1]).detail == "An address is required."
