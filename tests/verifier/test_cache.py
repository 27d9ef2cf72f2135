"""Verified tokens are remembered: few of them, the recent ones, and never too long."""

import pytest

from auth_service.verifier.cache import VerifiedTokens
from auth_service.verifier.claims import AccessClaims
from tests.verifier.token_maker import KEYS, NOW, strict_check, token


@pytest.fixture(scope="module")
def claims() -> AccessClaims:
    return strict_check().verify(token(), KEYS)


def test_a_remembered_token_is_found(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    assert verified.find("t", NOW) is claims


def test_another_token_is_not_found(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    assert verified.find("T", NOW) is None


def test_a_token_is_found_until_just_before_it_expires(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    assert verified.find("t", NOW + 899.999) is claims


@pytest.mark.parametrize("late", [0, 1])
def test_a_token_is_forgotten_when_it_expires(claims: AccessClaims, late: int) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    assert verified.find("t", NOW + 900 + late) is None
    assert verified.find("t", NOW) is None, "it was only hidden, not forgotten"


def test_no_more_than_its_size_is_remembered(claims: AccessClaims) -> None:
    verified = VerifiedTokens(size=3)
    for number in range(10):
        verified.remember(f"t{number}", claims)
    found = [number for number in range(10) if verified.find(f"t{number}", NOW)]
    assert found == [7, 8, 9]


def test_the_least_recently_used_one_makes_room(claims: AccessClaims) -> None:
    verified = VerifiedTokens(size=2)
    verified.remember("a", claims)
    verified.remember("b", claims)
    verified.find("a", NOW)
    verified.remember("c", claims)
    assert verified.find("a", NOW) is claims
    assert verified.find("b", NOW) is None


def test_one_token_remembered_twice_takes_one_place(claims: AccessClaims) -> None:
    verified = VerifiedTokens(size=2)
    verified.remember("a", claims)
    verified.remember("b", claims)
    verified.remember("b", claims)
    assert verified.find("a", NOW) is claims


def test_clearing_forgets_everything(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    verified.clear()
    assert verified.find("t", NOW) is None
