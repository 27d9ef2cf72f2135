"""Keys derived from the configured secrets: separated by use, replaceable, bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.core.secrets import Keyring, UndecryptableError, new_secret

OLD = "an old secret, which is long enough to be one"
NEW = "a new secret, which is long enough to be one too"
MESSAGE = b"message"


def test_a_new_secret_is_long_and_another_each_time() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) == 43 for secret in made)


def test_a_keyring_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        Keyring.of([])


# --- MAC ---


def test_a_tag_verifies() -> None:
    keyring = Keyring.of([NEW])
    tag = keyring.mac("refresh", MESSAGE)
    assert len(tag) == 32
    assert keyring.verifies("refresh", MESSAGE, tag)


@pytest.mark.parametrize(
    ("purpose", "message", "salt"),
    [("reset", MESSAGE, b"salt"), ("refresh", b"other", b"salt"), ("refresh", MESSAGE, b"other")],
)
def test_a_tag_is_good_for_one_purpose_message_and_salt(
    purpose: str, message: bytes, salt: bytes
) -> None:
    keyring = Keyring.of([NEW])
    tag = keyring.mac("refresh", MESSAGE, salt=b"salt")
    assert not keyring.verifies(purpose, message, tag, salt=salt)


def test_a_tag_with_a_salt_is_not_one_without() -> None:
    keyring = Keyring.of([NEW])
    assert not keyring.verifies("refresh", MESSAGE, keyring.mac("refresh", MESSAGE, salt=b"s"))


@pytest.mark.parametrize("tag", [b"", b"\x00" * 32, b"\x00" * 31, b"\x00" * 64])
def test_a_made_up_tag_does_not_verify(tag: bytes) -> None:
    assert not Keyring.of([NEW]).verifies("refresh", MESSAGE, tag)


def test_the_first_secret_signs_and_all_verify() -> None:
    tag_of_old = Keyring.of([OLD]).mac("refresh", MESSAGE)
    both = Keyring.of([NEW, OLD])
    assert both.verifies("refresh", MESSAGE, tag_of_old)
    assert both.mac("refresh", MESSAGE) == Keyring.of([NEW]).mac("refresh", MESSAGE)


def test_a_secret_that_was_taken_away_verifies_nothing_any_more() -> None:
    tag_of_old = Keyring.of([OLD]).mac("refresh", MESSAGE)
    assert not Keyring.of([NEW]).verifies("refresh", MESSAGE, tag_of_old)


# --- Encryption ---


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_encrypted_opens_with_what_it_is_bound_to(plain: bytes, bound_to: bytes) -> None:
    keyring = Keyring.of([NEW])
    ciphertext = keyring.encrypt("key", plain, bound_to=bound_to)
    assert keyring.decrypt("key", ciphertext, bound_to=bound_to) == plain


def test_the_same_text_is_another_ciphertext_each_time() -> None:
    keyring = Keyring.of([NEW])
    assert len({keyring.encrypt("key", MESSAGE, bound_to=b"row") for _ in range(10)}) == 10


def test_an_older_secret_still_opens_what_it_closed() -> None:
    ciphertext = Keyring.of([OLD]).encrypt("key", MESSAGE, bound_to=b"row")
    assert Keyring.of([NEW, OLD]).decrypt("key", ciphertext, bound_to=b"row") == MESSAGE


def test_what_a_removed_secret_closed_stays_closed() -> None:
    ciphertext = Keyring.of([OLD]).encrypt("key", MESSAGE, bound_to=b"row")
    with pytest.raises(UndecryptableError, match="none of AUTH_SECRET_KEYS"):
        Keyring.of([NEW]).decrypt("key", ciphertext, bound_to=b"row")


@pytest.mark.parametrize(("purpose", "bound_to"), [("mail", b"row"), ("key", b"another row")])
def test_it_opens_neither_for_another_purpose_nor_in_another_row(
    purpose: str, bound_to: bytes
) -> None:
    keyring = Keyring.of([NEW])
    ciphertext = keyring.encrypt("key", MESSAGE, bound_to=b"row")
    with pytest.raises(UndecryptableError):
        keyring.decrypt(purpose, ciphertext, bound_to=bound_to)


@pytest.mark.parametrize("position", range(0, 43, 3))
def test_a_changed_byte_is_noticed_anywhere(position: int) -> None:
    keyring = Keyring.of([NEW])
    ciphertext = bytearray(keyring.encrypt("key", MESSAGE, bound_to=b"row"))
    ciphertext[position] ^= 1
    with pytest.raises(UndecryptableError):
        keyring.decrypt("key", bytes(ciphertext), bound_to=b"row")


@pytest.mark.parametrize("length", [0, 7, 8, 15, 20, 30])
def test_a_cut_ciphertext_is_refused(length: int) -> None:
    keyring = Keyring.of([NEW])
    ciphertext = keyring.encrypt("key", MESSAGE, bound_to=b"row")
    with pytest.raises(UndecryptableError):
        keyring.decrypt("key", ciphertext[:length], bound_to=b"row")


def test_a_ciphertext_begins_with_the_fingerprint_of_its_secret() -> None:
    keyring = Keyring.of([NEW, OLD])
    ciphertext = keyring.encrypt("key", MESSAGE, bound_to=b"row")
    assert ciphertext.startswith(keyring.fingerprints[0])
    assert keyring.fingerprints == (
        *Keyring.of([NEW]).fingerprints,
        *Keyring.of([OLD]).fingerprints,
    )
    assert len(set(keyring.fingerprints)) == 2


def test_an_error_tells_neither_secret_nor_text() -> None:
    with pytest.raises(UndecryptableError) as refused:
        Keyring.of([NEW]).decrypt("key", b"hunter2", bound_to=b"row")
    assert "hunter2" not in str(refused.value)
    assert NEW not in str(refused.value)
