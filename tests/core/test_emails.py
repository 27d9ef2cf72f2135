"""E-mail addresses: what is one, and which are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.core.emails import MAXIMUM_LENGTH, Email, InvalidEmailError


@pytest.mark.parametrize(
    "spelling",
    [
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "  Ada@Example.com\n",
        "ada@ｅｘａｍｐｌｅ.com",  # noqa: RUF001 - full-width letters are what is tried
    ],
)
def test_spellings_of_one_address_have_one_key(spelling: str) -> None:
    assert Email.parse(spelling).key == "ada@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GRÜSSE@example.com", "grüsse@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
    ],
)
def test_unicode_does_not_make_another_account(one: str, other: str) -> None:
    assert Email.parse(one).key == Email.parse(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ada@example.org"),
        ("ada@example.com", "ada+news@example.com"),
        ("a.da@example.com", "ada@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("ada@straße.example", "ada@strasse.example"),
        ("ａｄａ@example.com", "ada@example.com"),  # noqa: RUF001 - full-width letters
        ("ﬁona@example.com", "fiona@example.com"),
        ("ſam@example.com", "sam@example.com"),  # noqa: RUF001 - a long s
    ],
)
def test_other_addresses_are_other_accounts(one: str, other: str) -> None:
    assert Email.parse(one).key != Email.parse(other).key


def test_an_address_is_shown_as_it_was_typed_but_for_the_domain_and_space() -> None:
    assert Email.parse(" Ada.Lovelace@EXAMPLE.com ").address == "Ada.Lovelace@example.com"


def test_addresses_for_tests_are_let_through() -> None:
    assert Email.parse("ada@service.test").key == "ada@service.test"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@example",
        "ada@example..com",
        "ada@localhost",
        "ada@[127.0.0.1]",
        "ada lovelace@example.com",
        '"ada"@example.com',
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "ada@example.com\r\nBcc: bob@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        "ada@exa\u202emple.com",
        "ada@" + "a" * 250 + ".com",
        "a" * MAXIMUM_LENGTH + "@example.com",
        "a" * 65 + "@example.com",
        "é" * 33 + "@example.com",  # 66 octets
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidEmailError) as refused:
        Email.parse(text)
    assert str(refused.value) == "This is not a valid e-mail address."


@given(st.text(max_size=400))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        email = Email.parse(text)
    except InvalidEmailError:
        return
    assert email.key.count("@") == 1


@given(st.emails())
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    try:
        email = Email.parse(text)
    except InvalidEmailError:
        return
    assert Email.parse(email.address) == email
    assert Email.parse(email.address.upper()).key == email.key
