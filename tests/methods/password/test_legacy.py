"""Vectors made by Werkzeug 3.1.8 and Django 5.2.19 themselves."""

import pytest

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.hashing import PasswordHasher, Verdict, objection
from auth_service.methods.password.legacy import LEGACY_SCHEMES

PASSWORD = "Grüße, Welt 123"
HASHES = {
    "Werkzeug scrypt": (
        "scrypt:32768:8:1$uOewriAFBgtx7OZv$ca837db9aaa7db66e426a691cc539391bb7daa94cafbe3e8ab3518b6"
        "d582f7a8e82c2777b56dcf9aec4d0d7d00115661988de158f944513a506c2524cd8867eb"
    ),
    "Werkzeug scrypt of a lower cost": (
        "scrypt:1024:8:1$jZkTco9mKyZyahid$642cdf98747d99a5067ca8e025749c6a706c87c8ed04d95a4110d93e"
        "cea237998dda4921f4097706c5b799715e873cb6f63346d1b2a96f273f664b1d6bb4c510"
    ),
    "Werkzeug pbkdf2": (
        "pbkdf2:sha256:1000000$chWYkapbnEhsPBQD"
        "$99b902ba1dd08ce8a03a825b6816393c6ad6e795bdff509a195a16f430a0c555"
    ),
    "Werkzeug pbkdf2 with sha1": (
        "pbkdf2:sha1:1000$fsnmHbK44VQVojWO$1db27b92a48e8ab396a030b9ba300242b521d32f"
    ),
    "Werkzeug pbkdf2 with sha512": (
        "pbkdf2:sha512:1000$CJTZHQ5jFC9K5rW3$1ce9020bebb381ea84729fdba0dad8784e8b03a9f0203b148ddf10"
        "d5298986f0b6f21eb4bdfd50562d209039eaf632a9a753de9057d7f718a9313fe0b29805fa"
    ),
    "Django pbkdf2": (
        "pbkdf2_sha256$1000$abcDEF123456ghijKLMNOP$SuvJRBkF9TaqI13htNp5v5luZU1IHSd3Y0vmZQCthUE="
    ),
    "Django pbkdf2 with sha1": (
        "pbkdf2_sha1$1000$abcDEF123456ghijKLMNOP$BitHgb1zYBwpC7tZKfSocjvathk="
    ),
    "Django bcrypt_sha256": (
        "bcrypt_sha256$$2b$04$ZCKae9UOsN4.j4BHshiG4OJGays6Sy2bOj1xjN3QVRICH2wJnGgmu"
    ),
}
UNREADABLE = {
    "pbkdf2 without iterations": "pbkdf2:sha256$salt$" + "0" * 64,
    "pbkdf2 of no iterations": "pbkdf2:sha256:0$salt$" + "0" * 64,
    "pbkdf2 of too many iterations": "pbkdf2:sha256:10000001$salt$" + "0" * 64,
    "pbkdf2 of a digest nobody uses": "pbkdf2:md5:1000$salt$" + "0" * 32,
    "pbkdf2 without salt": "pbkdf2:sha256:1000$$" + "0" * 64,
    "pbkdf2 in other digits": "pbkdf2:sha256:\u0661\u0660\u0660\u0660$salt$" + "0" * 64,
    "pbkdf2 of Django of too many iterations": "pbkdf2_sha256$10000001$salt$" + "A" * 43 + "=",
    "scrypt beyond 256 MiB": "scrypt:262144:8:1$salt$" + "0" * 128,
    "scrypt of too many lanes": "scrypt:32768:8:1000$salt$" + "0" * 128,
    "scrypt of nothing": "scrypt:0:8:1$salt$" + "0" * 128,
    "scrypt of no block": "scrypt:32768:0:1$salt$" + "0" * 128,
    "scrypt of no lane": "scrypt:32768:8:0$salt$" + "0" * 128,
    "scrypt of a cost that is no power of two": "scrypt:32767:8:1$salt$" + "0" * 128,
    "scrypt of a cost that nobody chooses": "scrypt:64:8:1$salt$" + "0" * 128,
    "scrypt of more than its block allows": "scrypt:65536:1:1$salt$" + "0" * 128,
    "scrypt cut short": "scrypt:32768:8:1$salt$" + "0" * 127,
    "pbkdf2 cut short": "pbkdf2:sha256:1000$salt$" + "0" * 63,
    "pbkdf2 of Django of no iterations": "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
    "pbkdf2 of Django cut short": "pbkdf2_sha256$1000$salt$" + "A" * 42 + "=",
    "pbkdf2 of Django without its end": "pbkdf2_sha256$1000$salt$" + "A" * 43,
    "pbkdf2 of Django of another digest": "pbkdf2_sha1$1000$salt$" + "A" * 43 + "=",
    "pbkdf2 of Django with stray bits": "pbkdf2_sha256$1000$salt$" + "A" * 42 + "B=",
    "scrypt of fewer parameters": "scrypt:32768:8$salt$" + "0" * 128,
    "a bare digest": "sha256$salt$" + "0" * 64,
    "the password itself": f"plain$${PASSWORD}",
}


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
async def test_the_right_password_verifies_and_wants_an_upgrade(
    hasher: PasswordHasher, stored: str
) -> None:
    assert await hasher.verify(PASSWORD, PasswordHash(stored)) == Verdict(ok=True, upgrade=True)


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
@pytest.mark.parametrize("wrong", ["Grüße, Welt 12", PASSWORD + "\0", "\ud800"])
async def test_a_wrong_password_is_refused(hasher: PasswordHasher, stored: str, wrong: str) -> None:
    assert await hasher.verify(wrong, PasswordHash(stored)) == Verdict(ok=False, upgrade=False)


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
async def test_a_hash_that_was_cut_short_is_refused(hasher: PasswordHasher, stored: str) -> None:
    verdict = await hasher.verify(PASSWORD, PasswordHash(stored[:-1]))

    assert verdict == Verdict(ok=False, upgrade=False)


@pytest.mark.parametrize("stored", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_nobodys_or_too_costly_is_not_read(stored: str) -> None:
    assert objection(stored) is not None


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
def test_what_verifies_may_be_imported(stored: str) -> None:
    assert objection(stored) is None


@pytest.mark.parametrize("cost", ["128:1:1", "128:8:1", "32768:1:1", "16384:8:8"])
def test_every_scrypt_that_may_be_imported_can_be_computed(cost: str) -> None:
    found = next(s for s in LEGACY_SCHEMES if s.read(f"scrypt:{cost}$salt${'0' * 128}"))
    match = found.read(f"scrypt:{cost}$salt${'0' * 128}")
    assert match
    assert found.verify(b"any", match) is False


async def test_scrypt_with_a_cost_that_is_no_power_of_two_is_refused(
    hasher: PasswordHasher,
) -> None:
    stored = PasswordHash("scrypt:1000:8:1$salt$" + "0" * 128)

    assert await hasher.verify(PASSWORD, stored) == Verdict(ok=False, upgrade=False)
