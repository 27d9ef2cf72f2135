"""Whatever is done to a good token, it is refused, and refused in one way."""

from string import ascii_letters, digits, printable

from hypothesis import assume, given
from hypothesis import strategies as st

from auth_service.verifier.compact import decode_object
from auth_service.verifier.errors import InvalidTokenError
from tests.verifier.token_maker import base64url, refused_at, token

GOOD = token(sid="a-session", roles=["user"], scope="read")
PLACES = st.integers(0, len(GOOD) - 1)
CHARACTERS = st.one_of(st.sampled_from(ascii_letters + digits + "-_."), st.sampled_from(printable))


@given(place=PLACES, character=st.one_of(CHARACTERS, st.characters()))
def test_a_changed_character_is_refused(place: int, character: str) -> None:
    assume(GOOD[place] != character)
    assert refused_at(GOOD[:place] + character + GOOD[place + 1 :]) != "nothing"


@given(length=PLACES)
def test_a_truncated_token_is_refused(length: int) -> None:
    assert refused_at(GOOD[:length]) != "nothing"
    assert refused_at(GOOD[len(GOOD) - length :]) != "nothing"


@given(place=st.integers(0, len(GOOD)), text=st.one_of(CHARACTERS, st.text(min_size=1)))
def test_an_insertion_is_refused(place: int, text: str) -> None:
    assert refused_at(GOOD[:place] + text + GOOD[place:]) != "nothing"


@given(first=PLACES, second=PLACES)
def test_swapped_characters_are_refused(first: int, second: int) -> None:
    assume(GOOD[first] != GOOD[second])
    changed = list(GOOD)
    changed[first], changed[second] = changed[second], changed[first]
    assert refused_at("".join(changed)) != "nothing"


@given(start=PLACES, length=st.integers(1, 200))
def test_a_gap_is_refused(start: int, length: int) -> None:
    assert refused_at(GOOD[:start] + GOOD[start + length :]) != "nothing"


@given(text=st.text())
def test_a_random_text_is_refused(text: str) -> None:
    assert refused_at(text) != "nothing"


@given(parts=st.lists(st.binary(max_size=200), min_size=3, max_size=3))
def test_three_random_parts_are_refused(parts: list[bytes]) -> None:
    assert refused_at(".".join(map(base64url, parts))) != "nothing"


@given(data=st.binary(max_size=400))
def test_a_part_is_an_object_or_refused(data: bytes) -> None:
    try:
        found = decode_object(base64url(data))
    except InvalidTokenError:
        return
    assert isinstance(found, dict)
