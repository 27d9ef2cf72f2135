"""What may be a scope, and what a client gets of those it asks for."""

import pytest

from auth_service.clients.errors import InvalidScope
from auth_service.clients.scope import distinct, granted, is_scope_name
from auth_service.core.errors import ValidationFailed

ALLOWED = ["orders:read", "orders:write", "revocations"]


@pytest.mark.parametrize("scope", ["a", "orders:read", "https://example.com/x", "!", "~", "x" * 64])
def test_a_scope_is_printable_ascii(scope: str) -> None:
    assert is_scope_name(scope)


@pytest.mark.parametrize("scope", ["", " ", "a b", 'a"', "a\\b", "é", "\x7f", "a\n", "x" * 65])
def test_nothing_else_is_a_scope(scope: str) -> None:
    assert not is_scope_name(scope)


def test_scopes_keep_their_order_and_stand_once() -> None:
    assert distinct(["b", "a", "b"]) == ["b", "a"]


@pytest.mark.parametrize("scopes", [["a b"], ["ok", ""], [f"s{n}" for n in range(51)]])
def test_scopes_that_are_none_or_too_many_are_refused(scopes: list[str]) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        distinct(scopes)
    assert [fault.pointer for fault in refusal.value.faults] == ["/scopes"]


@pytest.mark.parametrize(
    ("asked", "gets"),
    [
        (None, ALLOWED),
        ("", ALLOWED),
        ("revocations", ["revocations"]),
        ("orders:write orders:read orders:write", ["orders:write", "orders:read"]),
    ],
)
def test_a_client_gets_what_it_asks_for_or_all_it_may_have(
    asked: str | None, gets: list[str]
) -> None:
    assert granted(asked, ALLOWED) == gets


@pytest.mark.parametrize(
    "asked", ["orders", "orders:read admin", "ORDERS:READ", " ", "orders:read\torders:write"]
)
def test_more_than_it_may_have_is_refused(asked: str) -> None:
    with pytest.raises(InvalidScope):
        granted(asked, ALLOWED)


def test_a_client_without_scopes_may_have_none() -> None:
    assert granted(None, []) == []
    with pytest.raises(InvalidScope):
        granted("anything", [])
