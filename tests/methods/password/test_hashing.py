import asyncio
import time
import unicodedata
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.hashing import PasswordHasher, Verdict, objection
from auth_service.methods.password.schemes import Objection
from auth_service.setting_types import PasswordScheme
from auth_service.settings import Settings

RIGHT = Verdict(ok=True, upgrade=False)
REFUSED = Verdict(ok=False, upgrade=False)
WERKZEUG_OF_NFD = PasswordHash(
    "pbkdf2:sha256:1000$wetjXmMN0yGtuW7H$"
    "3bb14f446307e56968949db06a70b1ee86fcaf0a4617d53d025d782f207a38c9"
)
WERKZEUG_OF_NFC = PasswordHash(
    "pbkdf2:sha256:1000$RCjU1rIJ6Lm7RnwW$"
    "bfe55f8c42791b54691f0d84c55a6fc93b0d273ff4aa98b3aed7f1ac92532357"
)
TYPED = "Grüße, Welt 123"
# Any text at all, lone surrogates and NUL included.
TEXT = st.text(st.characters(codec=None), max_size=64)


def watched(hasher: PasswordHasher) -> Mock:
    """The hasher's own handler, with a record of what it was asked to verify."""
    watch = Mock(wraps=hasher._current.handler)
    object.__setattr__(hasher._current, "handler", watch)
    return watch


async def test_a_password_verifies_against_its_own_hash(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse")

    assert await hasher.verify("correct horse", stored) == RIGHT


async def test_another_password_does_not(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse")

    assert await hasher.verify("correct horsf", stored) == REFUSED


async def test_two_hashes_of_one_password_differ(hasher: PasswordHasher) -> None:
    assert await hasher.hash("correct horse") != await hasher.hash("correct horse")


async def test_spaces_and_case_are_taken_as_typed(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(" Correct Horse ")

    for other in ("Correct Horse", " correct horse "):
        assert await hasher.verify(other, stored) == REFUSED


async def test_both_ways_to_compose_a_letter_are_one_password(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(unicodedata.normalize("NFD", TYPED))

    assert await hasher.verify(unicodedata.normalize("NFC", TYPED), stored) == RIGHT


async def test_compatible_but_different_letters_are_not_one_password(
    hasher: PasswordHasher,
) -> None:
    stored = await hasher.hash("ﬁnland forever")

    assert await hasher.verify("finland forever", stored) == REFUSED


async def test_a_password_differs_beyond_72_bytes(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("x" * 72 + "a")

    assert await hasher.verify("x" * 72 + "b", stored) == REFUSED


async def test_a_password_differs_beyond_a_nul(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("before\0after")

    assert await hasher.verify("before\0other", stored) == REFUSED


async def test_a_lone_surrogate_is_a_character_of_its_own(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("surrogate \ud800")

    for other in ("surrogate ?", "surrogate \ud801", "surrogate \ufffd"):
        assert await hasher.verify(other, stored) == REFUSED


async def test_a_foreign_hash_that_is_right_wants_an_upgrade(hasher: PasswordHasher) -> None:
    assert await hasher.verify(TYPED, WERKZEUG_OF_NFC) == Verdict(ok=True, upgrade=True)


async def test_a_foreign_hash_that_is_wrong_wants_none(hasher: PasswordHasher) -> None:
    assert await hasher.verify("Grüße, Welt 124", WERKZEUG_OF_NFC) == REFUSED


async def test_a_hash_of_other_rounds_wants_an_upgrade(hasher: PasswordHasher) -> None:
    stored = PasswordHash(
        "$bcrypt-sha256$v=2,t=2b,r=5$YFm7B89tUDyE0jmnZYfDz.$SfARNIJIAKb9iUwqOqRbLbehxcEKLJW"
    )

    assert await hasher.verify(TYPED, stored) == Verdict(ok=True, upgrade=True)


async def test_a_foreign_hash_of_an_unnormalised_password_verifies_as_typed(
    hasher: PasswordHasher,
) -> None:
    typed = unicodedata.normalize("NFD", TYPED)

    assert await hasher.verify(typed, WERKZEUG_OF_NFD) == Verdict(ok=True, upgrade=True)


async def test_a_foreign_hash_of_a_normalised_password_verifies_however_it_is_typed(
    hasher: PasswordHasher,
) -> None:
    typed = unicodedata.normalize("NFD", TYPED)

    assert await hasher.verify(typed, WERKZEUG_OF_NFC) == Verdict(ok=True, upgrade=True)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "!",
        "plain$$correct horse",
        "md5$abcdefgh$5f4dcc3b5aa765d61d8327deb882cf99",
        "$2b$04$short",
        "$2x$04$Q7/tXCDKbw.dvElTklmSCeuq9arV9DovAbS7K9xzSMQWJ1XXs2FOi",
        "pbkdf2:sha256$salt$" + "0" * 64,
        "\ud800\0",
        "x" * 100_000,
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_work_of_the_configured_scheme(
    hasher: PasswordHasher, stored: PasswordHash | None
) -> None:
    watch = watched(hasher)

    assert await hasher.verify("correct horse", stored) == REFUSED
    watch.verify.assert_called_once_with(b"", hasher._current.decoy)


async def test_a_damaged_hash_of_the_configured_scheme_is_refused_with_the_usual_work(
    hasher: PasswordHasher,
) -> None:
    watch = watched(hasher)
    damaged = PasswordHash(hasher._current.prefix + "cut")

    assert await hasher.verify("correct horse", damaged) == REFUSED
    assert watch.verify.call_args.args == (b"", hasher._current.decoy)


async def test_a_password_of_16_kb_is_refused_with_the_usual_work(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse")
    watch = watched(hasher)

    assert await hasher.verify("x" * 16_384, stored) == REFUSED
    watch.verify.assert_called_once_with(b"", hasher._current.decoy)


async def test_a_password_that_normalising_lengthens_is_refused(hasher: PasswordHasher) -> None:
    # U+1D160 decomposes into three characters and never composes again: 12,288 bytes.
    assert await hasher.verify("\U0001d160" * 1024, await hasher.hash("correct horse")) == REFUSED


async def test_a_password_longer_than_any_may_be_is_not_hashed(hasher: PasswordHasher) -> None:
    with pytest.raises(ValueError, match="at most 1024 code points"):
        await hasher.hash("x" * 1025)


async def test_the_longest_password_that_may_be_is_hashed(hasher: PasswordHasher) -> None:
    longest = "\U0001f600" * 256

    assert await hasher.verify(longest, await hasher.hash(longest)) == RIGHT


async def test_a_refusal_never_comes_sooner_than_is_usual(hasher: PasswordHasher) -> None:
    hasher._usual.add(0.2)
    started = time.perf_counter()

    await hasher.verify("wrong", WERKZEUG_OF_NFC)

    assert time.perf_counter() - started >= 0.19


async def test_only_the_configured_scheme_says_what_is_usual(hasher: PasswordHasher) -> None:
    await hasher.verify("wrong", WERKZEUG_OF_NFC)
    assert hasher._usual.seconds == 0

    await hasher.verify("wrong", None)
    assert hasher._usual.seconds > 0


async def test_nothing_runs_or_waits_once_all_is_answered(hasher: PasswordHasher) -> None:
    await asyncio.gather(*(hasher.verify("wrong", None) for _ in range(5)))

    assert (hasher.running, hasher.waiting) == (0, 0)


async def test_the_settings_choose_scheme_cost_and_room() -> None:
    hasher = PasswordHasher.of(
        Settings(
            _env_file=None,
            password_scheme=PasswordScheme.BCRYPT_SHA256,
            bcrypt_rounds=5,
            hashing_threads=3,
            hashing_queue=4,
        )
    )

    assert (await hasher.hash("correct horse")).startswith("$bcrypt-sha256$v=2,t=2b,r=5$")
    assert (hasher._pool._threads, hasher._pool._places) == (3, 7)
    await hasher.aclose()


async def test_argon2id_hashes_with_the_parameters_of_owasp() -> None:
    hasher = PasswordHasher(scheme=PasswordScheme.ARGON2ID, bcrypt_rounds=12, threads=1, queue=1)

    stored = await hasher.hash("correct horse\0\ud800")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.verify("correct horse\0\ud800", stored) == RIGHT
    await hasher.aclose()


def test_a_hash_that_can_be_checked_may_be_imported() -> None:
    assert objection(WERKZEUG_OF_NFC) is None


@pytest.mark.parametrize("stored", ["", "correct horse", "scrypt:1073741824:8:1$salt$00"])
def test_a_hash_that_cannot_be_checked_may_not_be_imported(stored: str) -> None:
    assert objection(stored) is not None


@pytest.mark.parametrize(("rounds", "found"), [(17, None), (12, Objection.COSTLY)])
async def test_a_cost_that_the_settings_ask_for_is_no_objection(
    rounds: int, found: Objection | None
) -> None:
    hasher = PasswordHasher(
        scheme=PasswordScheme.BCRYPT_SHA256, bcrypt_rounds=rounds, threads=1, queue=0
    )
    stored = f"$bcrypt-sha256$v=2,t=2b,r=17${'.' * 22}${'.' * 31}"
    assert hasher.objection(stored) is found
    assert hasher.objection(stored + "\n") is Objection.UNKNOWN
    await hasher.aclose()


async def once(password: str, stored: str | None) -> tuple[Verdict, Verdict]:
    hasher = PasswordHasher(
        scheme=PasswordScheme.BCRYPT_SHA256, bcrypt_rounds=4, threads=1, queue=0
    )
    own = await hasher.verify(password, await hasher.hash(password))
    other = await hasher.verify(password, None if stored is None else PasswordHash(stored))
    await hasher.aclose()
    return own, other


@given(password=TEXT, stored=st.one_of(st.none(), TEXT))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_password_and_no_text_is_a_hash(password: str, stored: str | None) -> None:
    assert asyncio.run(once(password, stored)) == (RIGHT, REFUSED)
