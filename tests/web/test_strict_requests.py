"""A body is read in one way only, or not at all."""

import json
from typing import Any

import httpx
import pytest

from auth_service.core.errors import ValidationFailed
from auth_service.web.errors import MalformedBody
from auth_service.web.strict_requests import MAXIMUM_BODY_BYTES, parse_form, parse_json

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, 2.5, true, null, "\\u00e9"]} ', {"a": [1, 2.5, True, None, "é"]}),
        ('"🔑"'.encode(), "🔑"),
        (b'"\\ud83d\\udd11"', "🔑"),
        (b"[[]]", [[]]),
        (b'{"a":{"b":1},"c":{"b":1}}', {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_json_that_everybody_reads_alike_is_read(text: bytes, value: object) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{} {}",
        b"NaN",
        b'{"a":Infinity}',
        b"[-Infinity]",
        b"1e999",
        b"-1e999",
        b"9" * 5000,
        b'{"a":1,"a":1}',
        b'{"a":[{"b":1,"b":2}]}',
        b'{"a":1,"\\u0061":2}',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        '"a"'.encode("utf-16"),
        b"[" * 5000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_json_that_could_be_read_in_two_ways_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_json(text)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_twenty_levels_are_read_and_one_more_is_not(opening: bytes, closing: bytes) -> None:
    parse_json(opening * 20 + b"1" + closing * 20)
    with pytest.raises(MalformedBody, match="too deeply"):
        parse_json(opening * 21 + b"1" + closing * 21)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'"\\u0000"', ""),
        (b'"\\ud800"', ""),
        (b'"\\udc00\\ud800"', ""),
        (b'{"email":"a\\u0000"}', "/email"),
        (b'{"email":["\\ud800"]}', "/email"),
        (b'{"secret":"\\u0000"}', ""),
        (b'{"email":{"secret":"\\u0000"}}', "/email"),
        (b'{"\\u0000":1}', ""),
        (b'{"email":{"\\ud800":1}}', "/email"),
    ],
)
def test_text_that_cannot_be_stored_is_refused_at_a_name_of_ours(text: bytes, pointer: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_json(text, {"email"})
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == (pointer, "invalid_text")


def test_a_form_is_read() -> None:
    form = parse_form(b"a=1&b=%F0%9F%94%91&c=&d=x+y")
    assert dict(form) == {"a": "1", "b": "🔑", "c": "", "d": "x y"}


def test_an_empty_form_has_no_fields() -> None:
    assert dict(parse_form(b"")) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=1",
        b"a=1&%61=2",
        b"a=%ff",
        b"a=%ED%A0%80",
        b"a=\xff",
        "a=ä".encode(),
        b"&".join(b"n%d=1" % number for number in range(51)),
    ],
)
def test_a_form_that_could_be_read_in_two_ways_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_form(body)


def test_a_form_has_up_to_fifty_fields() -> None:
    assert len(parse_form(b"&".join(b"n%d=1" % number for number in range(50)))) == 50


@pytest.mark.parametrize("body", [b"a=%00", b"%00=a", b"a=b%00c"])
def test_a_form_holds_no_nul(body: bytes) -> None:
    with pytest.raises(ValidationFailed):
        parse_form(body)


async def test_a_body_over_16_kib_is_refused_though_nothing_says_its_length(
    client: httpx.AsyncClient,
) -> None:
    async def pieces() -> Any:
        for _ in range(MAXIMUM_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    answer = await client.post(
        "/auth/login", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; charset=us-ascii",
    ],
)
async def test_json_in_utf_8_is_read(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/auth/logout", content=b"{}", headers={"Content-Type": content_type}
    )
    assert answer.status_code == 204


@pytest.mark.parametrize(
    "content_type",
    ["text/json", "application/json; charset=latin-1", "application/problem+json", "json", ""],
)
async def test_anything_else_is_not(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/auth/logout", content=b"{}", headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_request_without_a_body_needs_no_content_type(client: httpx.AsyncClient) -> None:
    assert (await client.post("/auth/logout")).status_code == 204


async def test_a_route_that_reads_no_body_lets_any_pass(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {tokens['access_token']}", "Content-Type": "text/plain"}
    answer = await client.request("GET", "/users/me", content=b"\xff", headers=headers)
    assert answer.status_code == 200


async def test_a_fault_in_a_field_points_at_the_field_and_at_nothing_the_caller_made_up(
    client: httpx.AsyncClient,
) -> None:
    for body, pointer in [
        ({"refresh_token": "a\0"}, "/refresh_token"),
        ({"my-secret": "a\0"}, ""),
        ({"refresh_token": {"mysecret": "\0"}}, "/refresh_token"),
    ]:
        answer = await client.post("/auth/refresh", json=body)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        assert "secret" not in answer.text


async def test_a_form_of_the_right_type_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/oauth/token", content=b"grant_type=other", headers=FORM)
    assert json.loads(answer.content)["error"] == "unsupported_grant_type"
