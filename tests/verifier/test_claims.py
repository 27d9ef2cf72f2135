"""The claims: who issued it, for whom, when, and what it says."""

from typing import Any

import pytest

from auth_service.verifier.claims import AccessClaims
from tests.verifier.token_maker import (
    AUDIENCE,
    ISSUER,
    KEYS,
    NOW,
    refused_at,
    strict_check,
    token,
    token_without,
    with_raw_claim,
)

REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti"]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_claim_that_is_missing_is_refused(name: str) -> None:
    assert refused_at(token_without(name)) == "claims"


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, True, False, {}, {"a": 1}, ""])
def test_a_required_claim_of_a_wrong_type_is_refused(name: str, value: object) -> None:
    assert refused_at(token(**{name: value})) == name


@pytest.mark.parametrize("name", ["sub", "jti", "iss"])
@pytest.mark.parametrize("value", [1, 1.5, ["somebody"]])
def test_a_name_that_is_no_string_is_refused(name: str, value: object) -> None:
    assert refused_at(token(**{name: value})) == name


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", ["1800000900", [NOW + 900]])
def test_a_time_that_is_no_number_is_refused(name: str, value: object) -> None:
    assert refused_at(token(**{name: value})) == name


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("spelling", ["1e300", "-1e300", "1" + "0" * 400, "-1" + "0" * 400])
def test_a_time_beyond_all_calendars_is_refused(name: str, spelling: str) -> None:
    assert refused_at(with_raw_claim(name, spelling)) == name


@pytest.mark.parametrize("spelling", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_time_that_is_not_json_is_refused(spelling: str) -> None:
    assert refused_at(with_raw_claim("exp", spelling)) == "json"


@pytest.mark.parametrize(
    "issuer", ["https://other.example.com", ISSUER + "/", ISSUER.upper(), [ISSUER]]
)
def test_another_issuer_is_refused(issuer: object) -> None:
    assert refused_at(token(iss=issuer)) == "iss"


def test_a_list_of_audiences_with_ours_in_it_passes() -> None:
    assert refused_at(token(aud=["https://other.example.com", AUDIENCE])) == "nothing"


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example.com",
        AUDIENCE + "/",
        [],
        ["https://other.example.com"],
        [AUDIENCE + "x"],
        [[AUDIENCE]],
        {AUDIENCE: 1},
        1,
    ],
)
def test_another_audience_is_refused(audience: object) -> None:
    assert refused_at(token(aud=audience)) == "aud"


@pytest.mark.parametrize("late", [0, 0.001, 1, 10_000])
def test_a_token_is_dead_from_the_second_it_expires(late: float) -> None:
    assert refused_at(token(), now=NOW + 900 + late) == "exp"


def test_a_token_is_good_until_just_before_it_expires() -> None:
    assert refused_at(token(), now=NOW + 899.999) == "nothing"


def test_no_skew_is_allowed_on_expiry() -> None:
    assert refused_at(token(exp=NOW - 1)) == "exp"


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize("ahead", [-10_000, 0, 59, 60])
def test_a_clock_up_to_a_minute_ahead_is_allowed_for(name: str, ahead: int) -> None:
    assert refused_at(token(**{name: NOW + ahead})) == "nothing"


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize("ahead", [60.5, 61, 800])
def test_a_token_from_further_in_the_future_is_refused(name: str, ahead: float) -> None:
    assert refused_at(token(**{name: NOW + ahead})) == name


@pytest.mark.parametrize("value", [None, True, "1", [], {}])
def test_a_beginning_that_is_no_time_is_refused(value: object) -> None:
    assert refused_at(token(nbf=value)) == "nbf"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", None),
        ("client_id", 1),
        ("client_id", ""),
        ("sid", None),
        ("sid", ["a"]),
        ("auth_time", "1"),
        ("auth_time", True),
        ("amr", "pwd"),
        ("amr", [1]),
        ("amr", None),
        ("roles", "admin"),
        ("roles", {"admin": True}),
        ("roles", [None]),
        ("scope", ["read"]),
        ("scope", None),
    ],
)
def test_an_optional_claim_of_a_wrong_type_is_refused(name: str, value: object) -> None:
    assert refused_at(token(**{name: value})) == name


def claims_of(**claims: Any) -> AccessClaims:
    return strict_check().verify(token(**claims), KEYS)


def test_the_claims_are_those_of_the_token() -> None:
    assert claims_of(
        client_id="a-client",
        sid="a-session",
        auth_time=NOW - 5,
        amr=["pwd", "otp"],
        roles=["user", "admin"],
        scope="read write",
        email_verified=True,
    ) == AccessClaims(
        issuer=ISSUER,
        subject="somebody",
        expires_at=NOW + 900,
        issued_at=NOW,
        token_id="a-token",
        client_id="a-client",
        session_id="a-session",
        auth_time=NOW - 5,
        amr=("pwd", "otp"),
        roles=("user", "admin"),
        scopes=("read", "write"),
        email_verified=True,
    )


def test_what_a_token_does_not_say_is_nothing() -> None:
    claims = claims_of()
    assert (claims.client_id, claims.session_id, claims.auth_time) == (None, None, None)
    assert (claims.amr, claims.roles, claims.scopes) == ((), (), ())
    assert claims.email_verified is False


@pytest.mark.parametrize("value", ["true", 1, None, [True]])
def test_only_true_means_that_the_address_is_verified(value: object) -> None:
    assert claims_of(email_verified=value).email_verified is False
