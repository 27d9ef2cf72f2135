import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.core.emails import Email
from auth_service.core.errors import ValidationFailed
from auth_service.methods.password import policy
from auth_service.methods.password.common_passwords import common_passwords
from auth_service.methods.password.policy import PasswordPolicy
from auth_service.settings import Settings

POLICY = PasswordPolicy(min_length=8, service_names=("auth-service", "auth.example.com", ""))
EMAIL = Email.parse("John.O-Smith@Example.com")


def refusal(
    password: str, email: Email | str | None = None, pointer: str = "/password"
) -> ValidationFailed:
    with pytest.raises(ValidationFailed) as refused:
        POLICY.check(password, email=email, pointer=pointer)
    return refused.value


def codes(password: str, email: Email | str | None = None) -> list[str]:
    return [fault.code for fault in refusal(password, email).faults]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "eight in",
        "        x",
        "пароль-на-кириллице",
        "x9" * 128,
        "🙂🙃🙂🙃🙂🙃🙂🙃",
        "nul\0and\ud800surrogate",
        "johnosmith and more",
        "auth-service with more",
        "difference engine 1822",
        "aether wind 1887",
        "were we there, tree?",
        "Tr0ub4dor&3",
    ],
)
def test_a_password_that_is_long_enough_and_not_easily_guessed_passes(password: str) -> None:
    POLICY.check(password, email=EMAIL)


def test_too_short_names_the_length_that_is_asked_for() -> None:
    (fault,) = refusal("x9!kq-z").faults

    assert (fault.code, fault.pointer) == ("password_too_short", "/password")
    assert fault.message == "The password must have at least 8 characters."


def test_a_single_character_is_named_in_the_singular() -> None:
    with pytest.raises(ValidationFailed, match="at least 1 character\\."):
        PasswordPolicy(min_length=1, service_names=()).check("", email=None)


def test_the_fault_is_where_the_caller_says() -> None:
    assert refusal("short", pointer="/new_password").faults[0].pointer == "/new_password"


def test_length_is_counted_in_normal_form() -> None:
    seven = unicodedata.normalize("NFD", "éàüöñçâ")

    assert len(seven) == 14
    assert codes(seven) == ["password_too_short"]


def test_the_longest_password_passes_however_it_is_composed() -> None:
    POLICY.check(unicodedata.normalize("NFD", "ᾂ" * 256), email=None)


@pytest.mark.parametrize(
    "password", ["x" * 257, unicodedata.normalize("NFD", "ᾂ" * 257), "x" * 16_384]
)
def test_too_long_names_the_length_that_is_allowed(password: str) -> None:
    (fault,) = refusal(password).faults

    assert fault.code == "password_too_long"
    assert fault.message == "The password must have at most 256 characters."


def test_what_is_far_too_long_is_refused_before_the_slow_work_of_normalising(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "normalized", lambda _: pytest.fail("this must never run"))

    assert codes("x" * 1025) == ["password_too_long"]


@pytest.mark.parametrize("password", ["password123", "PassWord123", "qwertyuiop", "1234567890"])
def test_a_common_password_is_refused_in_any_case(password: str) -> None:
    assert codes(password) == ["password_too_common"]


def test_every_reason_is_named_at_once() -> None:
    assert codes("123456") == ["password_too_short", "password_too_common"]


@pytest.mark.parametrize(
    "password",
    [
        "John.O-Smith@Example.com",
        "john.o-smith@example.com",
        "JOHN.O-SMITH",
        "johnosmith",
        "JohnOSmith",
    ],
)
@pytest.mark.parametrize("email", [EMAIL, " John.O-Smith@Example.com"])
def test_the_address_and_its_local_part_are_refused(password: str, email: Email | str) -> None:
    assert codes(password, email) == ["password_is_address"]


def test_an_address_that_is_none_is_still_not_a_password() -> None:
    assert codes("no address at all", "No address at all") == ["password_is_address"]


def test_the_unicode_spelling_of_an_address_makes_no_other_password() -> None:
    email = Email.parse("renée.martin@example.com")

    assert codes(unicodedata.normalize("NFD", "renée.martin"), email) == ["password_is_address"]


def test_without_an_address_nothing_is_compared_with_it() -> None:
    POLICY.check("johnosmith", email=None)


def test_an_empty_address_forbids_nothing() -> None:
    assert codes("", "") == ["password_too_short"]


@pytest.mark.parametrize(
    "password", ["Auth-Service", "auth service", "authservice", "AUTH_SERVICE!", "auth.example.com"]
)
def test_the_name_of_the_service_is_refused(password: str) -> None:
    assert codes(password) == ["password_is_service_name"]


def test_punctuation_alone_is_nobodys_name() -> None:
    POLICY.check("-_-_-_-_-!", email=None)


def test_the_settings_give_the_length_and_the_name_of_the_host() -> None:
    strict = PasswordPolicy.of(
        Settings(_env_file=None, password_min_length=15, issuer="https://login.example.com")
    )

    with pytest.raises(ValidationFailed, match="at least 15 characters"):
        strict.check("fourteen chars", email=None)
    for name in ("login.example.com", "Auth Service... "):
        with pytest.raises(ValidationFailed, match="a name of this service"):
            strict.check(name, email=None)


def test_a_refusal_never_repeats_the_password() -> None:
    assert "x9!kq-z" not in str(refusal("x9!kq-z"))


@given(password=st.text(st.characters(codec=None), max_size=300))
def test_no_text_makes_the_policy_fail(password: str) -> None:
    with contextlib.suppress(ValidationFailed):
        POLICY.check(password, email=EMAIL)


def test_the_list_has_ten_thousand_passwords_and_is_read_once() -> None:
    assert len(common_passwords()) == 10_000
    assert common_passwords() is common_passwords()


# --- What everybody tries first ---


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password Password",
        "dragondragondragon",
        "a" * 30,
        "12345678901234",
        "098765432109876",
        "abcdefghijklmnop",
        "zyxwvutsrq",
        "abcd1234efgh",
        "qwertyuiopasdfghjkl",
        "poiuytrewqlkjhgf",
        "1qaz2wsx3edc4rfv",
        "qwertzuiop!",
        "asdf-ghjk-lkjh",
        "aaaabbbbcccc",
    ],
)
def test_repeats_sequences_and_walks_are_refused(password: str) -> None:
    assert "password_predictable" in codes(password)


@pytest.mark.parametrize("password", ["Ada.corp1", "adaada12", "corp-ada-99", "ADA.LOVELACE!1"])
def test_the_parts_of_the_address_with_a_few_characters_are_refused(password: str) -> None:
    assert "password_is_address" in codes(password, "ada.lovelace@corp.test")


@pytest.mark.parametrize(
    "password", ["AuthService1", "2026 auth service", "authserviceauthservice"]
)
def test_the_service_s_name_with_a_few_characters_is_refused(password: str) -> None:
    assert "password_is_service_name" in codes(password)


def test_words_of_one_s_own_are_refused_likewise() -> None:
    settings = Settings(password_words="Acme Rockets,Wile E.")
    with pytest.raises(ValidationFailed):
        PasswordPolicy.of(settings).check("AcmeRockets26", email=None)
    PasswordPolicy.of(settings).check("AcmeRockets and the roadrunner", email=None)
