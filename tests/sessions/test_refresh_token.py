"""The refresh token by itself: its one form, and who can make one."""

import base64
from uuid import UUID

import pytest

from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.sessions import refresh_token
from auth_service.sessions.errors import InvalidRefreshToken

SESSION = UUID("019b17d7-0dac-7549-bd4f-3506907d1583")
SALT = b"s" * refresh_token.SALT_BYTES
NEW, OLD = "the new secret, at least 32 characters", "the old secret, at least 32 characters"
KEYRING = Keyring.of([NEW])
TOKEN = refresh_token.make(SESSION, 7, KEYRING, SALT)


def test_a_token_says_its_session_and_counter() -> None:
    claim = refresh_token.read(TOKEN)
    assert (claim.session_id, claim.counter) == (SESSION, 7)


def test_a_token_is_the_same_each_time_it_is_made() -> None:
    assert refresh_token.make(SESSION, 7, KEYRING, SALT) == TOKEN


def test_a_token_is_recognised_by_whoever_has_secret_and_salt() -> None:
    assert refresh_token.read(TOKEN).is_authentic(KEYRING, SALT)


def test_a_secret_without_the_salt_makes_no_token() -> None:
    forged = refresh_token.read(refresh_token.make(SESSION, 7, KEYRING, b""))
    assert not forged.is_authentic(KEYRING, SALT)


def test_a_salt_without_the_secret_makes_no_token() -> None:
    forged = refresh_token.read(refresh_token.make(SESSION, 7, Keyring.of([OLD]), SALT))
    assert not forged.is_authentic(KEYRING, SALT)


@pytest.mark.parametrize(("session", "counter"), [(new_id(), 7), (SESSION, 8), (SESSION, 6)])
def test_a_mac_counts_for_one_session_and_one_counter(session: UUID, counter: int) -> None:
    mac = refresh_token.read(TOKEN).mac
    assert not refresh_token.RefreshClaim(session, counter, mac).is_authentic(KEYRING, SALT)


def test_a_token_of_an_older_secret_is_still_recognised() -> None:
    old = refresh_token.make(SESSION, 7, Keyring.of([OLD]), SALT)
    assert refresh_token.read(old).is_authentic(Keyring.of([NEW, OLD]), SALT)


def test_a_new_secret_signs_once_it_comes_first() -> None:
    assert refresh_token.make(SESSION, 7, Keyring.of([NEW, OLD]), SALT) == TOKEN


def test_a_token_of_a_secret_that_was_taken_out_is_not_recognised() -> None:
    old = refresh_token.make(SESSION, 7, Keyring.of([OLD]), SALT)
    assert not refresh_token.read(old).is_authentic(KEYRING, SALT)


@pytest.mark.parametrize("counter", [0, 1, 2**32, 2**48 - 1])
def test_every_counter_that_fits_survives_the_token(counter: int) -> None:
    token = refresh_token.make(SESSION, counter, KEYRING, SALT)
    assert refresh_token.read(token).counter == counter


def test_a_token_has_a_mac_of_256_bits() -> None:
    assert len(refresh_token.read(TOKEN).mac) == 32


def test_a_token_has_exactly_one_spelling() -> None:
    data = base64.urlsafe_b64decode(TOKEN.removeprefix("rt_"))
    assert len(data) % 3 == 0, "spare bits would let another spelling through"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rt_",
        TOKEN[3:],
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        "RT_" + TOKEN[3:],
        "at_" + TOKEN[3:],
        "rt_rt_" + TOKEN[3:],
        TOKEN[:20] + "+" + TOKEN[21:],
        TOKEN[:20] + "/" + TOKEN[21:],
        TOKEN[:20] + "\0" + TOKEN[21:],
        TOKEN[:20] + "é" + TOKEN[21:],
        TOKEN[:20] + "\u0661" + TOKEN[21:],
        "rt_" + "A" * 10_000,
    ],
)
def test_what_does_not_have_the_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        refresh_token.read(text)
