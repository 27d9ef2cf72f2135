"""Verified tokens are remembered: few of them, the recent ones, and never too long."""

from concurrent.futures import ThreadPoolExecutor

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


def test_a_clock_put_forward_forgets_what_it_expires(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.remember("t", claims)
    assert verified.find("t", NOW + 10_000) is None
    assert verified.find("t", NOW) is None


@pytest.mark.parametrize("back", [1.5, 60, 10_000])
def test_a_clock_put_back_forgets_everything(claims: AccessClaims, back: float) -> None:
    verified = VerifiedTokens()
    assert verified.find("t", NOW) is None
    verified.remember("t", claims)
    assert verified.find("another", NOW - back) is None
    assert verified.find("t", NOW) is None


def test_threads_that_read_the_clock_a_little_apart_forget_nothing(claims: AccessClaims) -> None:
    verified = VerifiedTokens()
    verified.find("t", NOW)
    verified.remember("t", claims)
    assert verified.find("t", NOW - 0.1) is claims


def test_many_threads_get_right_answers_and_keep_to_the_size(claims: AccessClaims) -> None:
    verified = VerifiedTokens(size=8)

    def use(seed: int) -> bool:
        for number in range(2_000):
            name = f"t{(number * seed) % 16}"
            if verified.find(name, NOW + number % 2 * 1_000) not in {None, claims}:
                return False
            verified.remember(name, claims)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(1, 9)))
    assert len(verified._claims) <= 8
