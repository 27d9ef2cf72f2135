"""What a client may be called."""

import pytest

from auth_service.clients.client_name import read_name
from auth_service.core.errors import ValidationFailed


@pytest.mark.parametrize("name", ["o", "orders", "Orders & Söhne, 日本 ☕", "x" * 100])
def test_a_name_is_kept_as_typed(name: str) -> None:
    assert read_name(name) == name


@pytest.mark.parametrize("typed", [" orders", "orders\t", "\n orders \u00a0"])
def test_space_around_a_name_is_no_part_of_it(typed: str) -> None:
    assert read_name(typed) == "orders"


def test_space_around_a_name_does_not_count() -> None:
    assert len(read_name(" " + "x" * 100 + " ")) == 100


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n", "x" * 101, "a\nb", "a\0b", "\x1b[31mred", "a\u202eb", "a\u200bb", "a\udcffb"],
)
def test_what_is_empty_long_or_unprintable_is_no_name(text: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        read_name(text)
    (fault,) = refusal.value.faults
    assert (fault.pointer, fault.code) == ("/name", "invalid_name")
