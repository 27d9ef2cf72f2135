"""Vectors made by bcrypt 5.0, argon2-cffi 25.1, libpass 1.9.4 and Django 5.2 themselves."""

import pytest

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.hashing import PasswordHasher, Verdict, objection
from auth_service.methods.password.schemes import CurrentScheme, Objection
from auth_service.setting_types import PasswordScheme

PASSWORD = "Grüße, Welt 123"
HASHES = {
    "bcrypt 2a": "$2a$04$JL6yVJfxMmxfDOkW.HGSZ.3rH89hQRwYn.UrboF2U3BPFD/BH9p3m",
    "bcrypt 2b": "$2b$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi",
    "bcrypt 2y": "$2y$04$8MlJS.C1ZeTl/9Mucd1WXetztPxc9J9/FYj6m9OXuWL8XwdgXp8GW",
    "bcrypt_sha256 v1": (
        "$bcrypt-sha256$2b,4$o7S1oaAWEzBYZClLemH9AO$8XUuPHmDk6C5ydUOyC1cHkEndx4ycou"
    ),
    "bcrypt_sha256 of five rounds": (
        "$bcrypt-sha256$v=2,t=2b,r=5$YFm7B89tUDyE0jmnZYfDz.$SfARNIJIAKb9iUwqOqRbLbehxcEKLJW"
    ),
    "argon2d": (
        "$argon2d$v=19$m=256,t=1,p=1$FwkA/m/caLAymrHdzUpoPQ"
        "$AlvbTnf5lY9kCDKxU4EFQ1eT6+mpG3sEd2wbSvqPBgs"
    ),
    "argon2i": (
        "$argon2i$v=19$m=256,t=1,p=1$VpUJECC3u5ltnN38t2OqWg"
        "$AQkKCK/50QvJZzCYF02BqiWIn5lO8ucp5IGIAxggvgs"
    ),
    "argon2i 1.0": (
        "$argon2i$v=16$m=256,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA"
        "$RoXJ+/XlUI5aoRSUlz8A2XBm07Q8n9RuFlExf4qJ+/s"
    ),
    "argon2id": (
        "$argon2id$v=19$m=256,t=1,p=1$OxiC/b406neiP5QZF9EHhg"
        "$ELfFKPmoFXI6KEgajFxG+AEecoVmWpaIxx6xs2dbTY4"
    ),
    "Django argon2id": (
        "argon2$argon2id$v=19$m=256,t=1,p=2$YWJjREVGMTIzNDU2Z2hpaktMTU5PUA"
        "$xvo77fa6MclkcgT3LPUaEG6HQW/w3RQKh0/ZO3JMrlk"
    ),
    "Django bcrypt": "bcrypt$$2b$04$OyjE82doYqRN/qwteTCgCulL6IhunnDln2pZ7Eb5272i4GwyDOC2i",
}
SALT_22 = "Q7/tXCDKbw.dvElTklmSCe"
BCRYPT_TAIL = "Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi"
ARGON2_TAIL = "OxiC/b406neiP5QZF9EHhg$ELfFKPmoFXI6KEgajFxG+AEecoVmWpaIxx6xs2dbTY4"
UNAFFORDABLE = [
    f"$2b$17${BCRYPT_TAIL}",
    f"$2b$31${BCRYPT_TAIL}",
    f"bcrypt$$2b$31${BCRYPT_TAIL}",
    f"bcrypt_sha256$$2b$31${BCRYPT_TAIL}",
    f"$bcrypt-sha256$v=2,t=2b,r=31${SALT_22}${'.' * 31}",
    f"$argon2id$v=19$m=262145,t=1,p=1${ARGON2_TAIL}",
    f"$argon2id$v=19$m=999999999,t=999999999,p=1${ARGON2_TAIL}",
    f"$argon2id$v=19$m=65536,t=65,p=1${ARGON2_TAIL}",
    f"$argon2id$v=19$m=65536,t=1,p=65${ARGON2_TAIL}",
    f"argon2$argon2id$v=19$m=262145,t=1,p=1${ARGON2_TAIL}",
]
DAMAGED = [
    f"$2b$03${BCRYPT_TAIL}",
    f"$2b$04${BCRYPT_TAIL}\n",
    f"$2b$04${BCRYPT_TAIL[:-1]}",
    f"$2b$\u0660\u0664${BCRYPT_TAIL}",
    f"$bcrypt-sha256$v=2,t=2b,r=04${SALT_22}${'.' * 31}",
    f"$bcrypt-sha256$v=3,t=2b,r=4${SALT_22}${'.' * 31}",
    f"$argon2id$v=19$m=4,t=1,p=1${ARGON2_TAIL}",
    f"$argon2id$v=19$m=256,t=0,p=1${ARGON2_TAIL}",
    f"$argon2id$v=18$m=256,t=1,p=1${ARGON2_TAIL}",
    f"$argon2id$v=19$m=256,t=1,p=1,keyid=AAAA${ARGON2_TAIL}",
    "$argon2id$v=19$m=256,t=1,p=1$OxiC/b406neiP5QZF9EHhg$ELfFKA",
    f"$argon2id$v=19$m=256,t=1,p=0${ARGON2_TAIL}",
    f"$argon2id$v=19$m=256,t=1,p=33${ARGON2_TAIL}",
    f"$argon2id$v=19$m=256,t=1,p=1${ARGON2_TAIL[:-1]}",
    f"$argon2id$v=19$m=256,t=1,p=1${ARGON2_TAIL[:-2]}",
    f"$argon2id$v=19$m=256,t=1,p=1${ARGON2_TAIL[:-1]}5",
    f"bcrypt$$2b$03${BCRYPT_TAIL}",
    f"bcrypt_sha256$$2b$03${BCRYPT_TAIL}",
    f"$bcrypt-sha256$v=2,t=2b,r=3${SALT_22}${'.' * 31}",
]


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
async def test_the_right_password_verifies_and_wants_an_upgrade(
    hasher: PasswordHasher, stored: str
) -> None:
    assert await hasher.verify(PASSWORD, PasswordHash(stored)) == Verdict(ok=True, upgrade=True)


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
@pytest.mark.parametrize("wrong", ["", "Grüße, Welt 12", PASSWORD + "\0", "\0", "\ud800"])
async def test_a_wrong_password_is_refused(hasher: PasswordHasher, stored: str, wrong: str) -> None:
    assert await hasher.verify(wrong, PasswordHash(stored)) == Verdict(ok=False, upgrade=False)


@pytest.mark.parametrize("stored", UNAFFORDABLE)
def test_a_hash_that_would_cost_too_much_is_not_read(stored: str) -> None:
    assert objection(stored) is Objection.COSTLY


@pytest.mark.parametrize("stored", DAMAGED)
def test_a_damaged_hash_is_not_read(stored: str) -> None:
    assert objection(stored) in {Objection.DAMAGED, Objection.UNKNOWN}


@pytest.mark.parametrize("stored", HASHES.values(), ids=HASHES)
def test_what_verifies_may_be_imported(stored: str) -> None:
    assert objection(stored) is None


def test_an_argon2_hash_so_short_that_many_passwords_share_it_is_not_read() -> None:
    assert objection("$argon2id$v=19$m=256,t=1,p=1$OxiC/b406neiP5QZF9EHhg$ELfFKA") is not None


@pytest.mark.parametrize("stored", UNAFFORDABLE + DAMAGED)
async def test_a_damaged_or_unaffordable_hash_is_refused(
    hasher: PasswordHasher, stored: str
) -> None:
    verdict = await hasher.verify(PASSWORD, PasswordHash(stored))

    assert verdict == Verdict(ok=False, upgrade=False)


@pytest.mark.parametrize(
    "stored",
    [
        f"$2b$16${BCRYPT_TAIL}",
        f"$argon2id$v=19$m=262144,t=16,p=4${ARGON2_TAIL}",
        f"$argon2id$v=19$m=65536,t=3,p=4${ARGON2_TAIL}",
        f"argon2$argon2id$v=19$m=102400,t=2,p=8${ARGON2_TAIL}",
    ],
)
def test_the_usual_defaults_elsewhere_are_affordable(stored: str) -> None:
    assert objection(stored) is None


async def test_bcrypt_compares_the_first_72_bytes_as_those_who_wrote_it_did(
    hasher: PasswordHasher,
) -> None:
    stored = PasswordHash("$2b$04$HIauGXyEzgDezESmGp175eIpoUxsTEide5mp5WUIrhpXPOItZ6Ufi")

    assert (await hasher.verify("x" * 72 + "what followed was never hashed", stored)).ok
    assert not (await hasher.verify("x" * 71, stored)).ok


async def test_a_nul_beyond_the_72_bytes_does_not_matter_to_bcrypt(hasher: PasswordHasher) -> None:
    stored = PasswordHash("$2b$04$HIauGXyEzgDezESmGp175eIpoUxsTEide5mp5WUIrhpXPOItZ6Ufi")

    assert (await hasher.verify("x" * 72 + "\0", stored)).ok


@pytest.mark.parametrize("rounds", [4, 12])
def test_the_decoy_of_bcrypt_has_the_configured_cost_and_the_form_of_a_hash(rounds: int) -> None:
    current = CurrentScheme.of(PasswordScheme.BCRYPT_SHA256, bcrypt_rounds=rounds)

    parsed = current.handler.from_string(current.decoy)

    assert (parsed.name, parsed.version, parsed.rounds) == ("bcrypt_sha256", 2, rounds)
    assert parsed.to_string() == current.decoy


def test_the_decoy_of_argon2id_has_the_configured_cost_and_the_form_of_a_hash() -> None:
    current = CurrentScheme.of(PasswordScheme.ARGON2ID, bcrypt_rounds=4)

    parsed = current.handler.from_string(current.decoy)

    assert (parsed.type, parsed.memory_cost, parsed.rounds, parsed.parallelism) == (
        ("id", 19456, 2, 1)
    )
    assert parsed.to_string() == current.decoy


@pytest.mark.parametrize("scheme", PasswordScheme)
def test_a_new_hash_is_as_long_as_the_decoy_and_starts_alike(scheme: PasswordScheme) -> None:
    current = CurrentScheme.of(scheme, bcrypt_rounds=4)

    stored = current.hash(b"correct horse")

    assert len(stored) == len(current.decoy)
    assert current.wrote(stored)
    assert current.wrote(current.decoy)


@pytest.mark.parametrize("scheme", PasswordScheme)
def test_the_decoy_is_checked_and_no_password_is_its(scheme: PasswordScheme) -> None:
    current = CurrentScheme.of(scheme, bcrypt_rounds=4)

    assert not current.verify(b"", current.decoy)
