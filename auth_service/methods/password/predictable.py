"""Passwords that are long enough and still among the first that anybody tries."""

from collections.abc import Collection, Iterable
from typing import Final

FEW: Final = 4
"""Characters beside a known word that do not make a password of it."""
_SHORTEST_PART: Final = 3
_SHORTEST_RUN: Final = 3
_LOOSE: Final = 2
_SHORTEST_PREDICTABLE: Final = 5
_LINES: Final = (
    # The alphabet, the digits round and round, and the rows and columns of keyboards.
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890" * 3,
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm"),
)
_WAYS: Final = (*_LINES, *(line[::-1] for line in _LINES))


def is_repeated(text: str, words: Collection[str]) -> bool:
    """Whether the text is one of the words, or one character, again and again."""
    return any(
        text == text[:length] * (len(text) // length)
        for length in range(1, len(text) // 2 + 1)
        if len(text) % length == 0 and (length == 1 or text[:length] in words)
    )


def is_walk(text: str) -> bool:
    """Whether the text is made of runs along the alphabet, the digits or a keyboard.

    All but two of its characters are in runs of three or more, in either direction.
    """
    if len(text) < _SHORTEST_PREDICTABLE:
        return False
    place = loose = 0
    while place < len(text):
        run = _run(text, place)
        loose += run < _SHORTEST_RUN
        place += run if run >= _SHORTEST_RUN else 1
    return loose <= _LOOSE


def _run(text: str, place: int) -> int:
    """How many characters from a place on are one again and again, or go along one line."""
    end = place + 1
    while end < len(text) and text[end] == text[place]:
        end += 1
    same = end - place
    end = place + 1
    while end < len(text) and any(text[place : end + 1] in way for way in _WAYS):
        end += 1
    return max(same, end - place)


def is_made_of(text: str, parts: Iterable[str]) -> bool:
    """Whether little is left of the text once the parts are taken out of it, wherever they are."""
    rest = text
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_PART:
            rest = rest.replace(part, "")
    return rest != text and len(rest) <= FEW
