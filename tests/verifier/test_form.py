"""The compact form: read strictly, before any key is touched."""

import base64
import json

import pytest

from auth_service.verifier.compact import (
    MAXIMUM_TOKEN_BYTES,
    decode_object,
    decode_part,
    encode_part,
    split_compact,
)
from auth_service.verifier.errors import InvalidTokenError
from tests.verifier.token_maker import (
    CLAIMS,
    HEADER,
    KEYS,
    base64url,
    refused_at,
    signed,
    strict_check,
    token,
)

HEADER_JSON = json.dumps(HEADER).encode()
CLAIMS_JSON = json.dumps(CLAIMS).encode()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_that_is_as_it_should_be_passes() -> None:
    assert refused_at(token()) == "nothing"


@pytest.mark.parametrize("text", ["", ".", "..", "a", "a.b", "a..c", "a.b.", ".b.c", "a.b.c.d"])
def test_anything_but_three_parts_is_refused(text: str) -> None:
    assert refused_at(text) == "form"


@pytest.mark.parametrize("stray", [" ", "\n", "\t", "=", "+", "/", "\0", "é", "\ud800", "\u0661"])
@pytest.mark.parametrize("place", ["before", "inside", "after"])
def test_a_stray_character_anywhere_is_refused(stray: str, place: str) -> None:
    text = token()
    changed = {
        "before": stray + text,
        "inside": text[:20] + stray + text[20:],
        "after": text + stray,
    }
    assert refused_at(changed[place]) == "form"


def test_a_padded_part_is_refused() -> None:
    header, payload, signature = token().split(".")
    assert refused_at(f"{header}.{payload}.{signature}==") == "form"


def padded_to(size: int) -> str:
    """A good token of exactly this many characters."""
    for filler in range(size * 3 // 4 - 500, size * 3 // 4):
        text = token(filler="x" * filler)
        if len(text) == size:
            return text
    raise AssertionError("no filler fits")


def test_a_token_of_eight_kibibytes_passes() -> None:
    assert refused_at(padded_to(MAXIMUM_TOKEN_BYTES)) == "nothing"


def test_a_token_over_eight_kibibytes_is_refused_whatever_it_says() -> None:
    text = token(filler="x" * MAXIMUM_TOKEN_BYTES)
    assert refused_at(text) == "size"


def test_one_character_over_the_limit_is_over_it() -> None:
    with pytest.raises(InvalidTokenError, match="size"):
        split_compact("a.b." + "c" * (MAXIMUM_TOKEN_BYTES - 3))


def other_spelling(part: str) -> str:
    """The same bytes in another spelling: a spare bit of the last character is set."""
    assert len(part) % 4 in {2, 3}
    changed = part[:-1] + ALPHABET[ALPHABET.index(part[-1]) + 1]
    assert base64_of(changed) == base64_of(part)
    return changed


def base64_of(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_signature_in_another_spelling_is_refused() -> None:
    header, payload, signature = token().split(".")
    assert refused_at(f"{header}.{payload}.{other_spelling(signature)}") == "base64url"


def test_a_header_in_another_spelling_is_refused() -> None:
    header = base64url(HEADER_JSON.ljust(len(HEADER_JSON) // 3 * 3 + 4))
    _, payload, signature = token().split(".")
    assert refused_at(f"{other_spelling(header)}.{payload}.{signature}") == "base64url"


def test_a_payload_in_another_spelling_is_refused() -> None:
    with pytest.raises(InvalidTokenError, match="base64url"):
        decode_object(other_spelling(base64url(b'{"a":1}')))


@pytest.mark.parametrize("part", ["A", "AAAAA", "AB", "AAB"])
def test_a_part_that_no_encoder_makes_is_refused(part: str) -> None:
    with pytest.raises(InvalidTokenError, match="base64url"):
        decode_part(part)


@pytest.mark.parametrize("data", [b"\0", b"\xff\xfe", b"abc", b"\xfb\xef\xbe\xff"])
def test_a_part_is_read_as_it_was_written(data: bytes) -> None:
    assert decode_part(encode_part(data)) == data


@pytest.mark.parametrize(
    "header",
    [
        HEADER_JSON[:-1] + b', "alg": "ES256"}',
        HEADER_JSON[:-1] + b', "a": {"b": 1, "b": 2}}',
        b'{"\\u0061lg": "none", ' + HEADER_JSON[1:],
    ],
)
def test_a_name_twice_in_the_header_is_refused(header: bytes) -> None:
    assert refused_at(signed(header, CLAIMS_JSON)) == "json"


@pytest.mark.parametrize(
    "payload",
    [
        CLAIMS_JSON[:-1] + b', "sub": "somebody"}',
        CLAIMS_JSON[:-1] + b', "a": [{"b": 1, "b": 1}]}',
    ],
)
def test_a_name_twice_in_the_payload_is_refused(payload: bytes) -> None:
    assert refused_at(signed(HEADER_JSON, payload)) == "json"


@pytest.mark.parametrize("levels", [1_000, 2_500])
def test_a_deeply_nested_header_is_refused_and_nothing_worse(levels: int) -> None:
    arrays = b'{"alg":' + b"[" * levels + b"]" * levels + b"}"
    assert refused_at(f"{base64url(arrays)}.e30.c2ln") in {"json", "alg"}


def test_a_header_of_a_thousand_objects_in_each_other_is_refused_and_nothing_worse() -> None:
    objects = b'{"a":' * 1_000 + b"1" + b"}" * 1_000
    with pytest.raises(InvalidTokenError, match=r"json|alg"):
        strict_check().verify(f"{base64url(objects)}.e30.c2ln", KEYS)


def test_a_deeply_nested_payload_is_refused_and_nothing_worse() -> None:
    nested = b"[" * 2_900 + b"]" * 2_900
    assert refused_at(signed(HEADER_JSON, nested)) == "json"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"at+jwt"',
        b"1",
        b"null",
        b"{",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 0x1}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused_in_either_part(data: bytes) -> None:
    with pytest.raises(InvalidTokenError, match="json"):
        decode_object(base64url(data))


def test_a_payload_that_is_no_object_is_refused() -> None:
    assert refused_at(signed(HEADER_JSON, b'["iss"]')) == "json"


def test_white_space_within_the_json_is_no_fault() -> None:
    assert refused_at(signed(b"\n" + HEADER_JSON + b" ", CLAIMS_JSON)) == "nothing"


def test_a_refusal_names_the_check_and_nothing_of_the_token() -> None:
    with pytest.raises(InvalidTokenError) as refusal:
        split_compact("secret-part")
    assert str(refusal.value) == "access token refused: form"
