"""CSV and JSON lines, as they are read."""

import io

import pytest

from auth_service.admin.moving.errors import UnreadableFileError
from auth_service.admin.moving.formats import Format, FoundRecord, UnreadableLine, read_records

HEADER = "email,password_hash,roles\n"
SECRET = "$2b$04$abcdefghijklmnopqrstuu"


def csv(text: str, *ignore: str) -> list[FoundRecord | UnreadableLine]:
    return list(read_records(io.BytesIO(text.encode()), Format.CSV, ignore=ignore))


def jsonl(text: str, *ignore: str) -> list[FoundRecord | UnreadableLine]:
    return list(read_records(io.BytesIO(text.encode()), Format.JSONL, ignore=ignore))


def refused(text: str, *ignore: str) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        csv(text, *ignore)
    return str(caught.value)


# --- CSV ---


def test_csv_gives_each_line_by_the_names_of_the_header() -> None:
    assert csv(HEADER + 'ada@example.com,h,"user,admin"\r\n') == [
        FoundRecord(2, {"email": "ada@example.com", "password_hash": "h", "roles": "user,admin"})
    ]


def test_an_empty_cell_is_a_field_that_is_not_given() -> None:
    assert csv(HEADER + 'a, ,""\n') == [FoundRecord(2, {"email": "a"})]


def test_space_around_names_and_values_does_not_count() -> None:
    assert csv("email , password_hash\n a , b \n") == [
        FoundRecord(2, {"email": "a", "password_hash": "b"})
    ]


def test_empty_lines_are_passed_over_but_counted() -> None:
    assert csv("email,password_hash\n\n  \r\na,b\n\n") == [
        FoundRecord(4, {"email": "a", "password_hash": "b"})
    ]


def test_a_line_break_in_quotes_belongs_to_the_value() -> None:
    text = 'email,password_hash,bio\na,b,"x\nroot@example.com,h,y"\nc,d,e\n'
    assert csv(text, "bio") == [
        FoundRecord(2, {"email": "a", "password_hash": "b"}),
        FoundRecord(4, {"email": "c", "password_hash": "d"}),
    ]


BROKEN_CSV = {
    "too few fields": ("a,b\n", "has 2 fields where the header has 3"),
    "too many fields": ("a,b,c,d\n", "has 4 fields where the header has 3"),
    "a quote after a quoted value": ('"a"x,b,c"\n"\n', "has a quotation mark or a line"),
    "a line break between lone quotes": (
        'a,b"\nroot@example.com,h,"x\n',
        "has a quotation mark or a line",
    ),
    "a bare carriage return": ("a,b\rroot@example.com,h,c\n", "has a quotation mark or a line"),
}


@pytest.mark.parametrize(("line", "reason"), BROKEN_CSV.values(), ids=BROKEN_CSV)
def test_a_broken_line_is_no_record_and_the_next_one_is_read(line: str, reason: str) -> None:
    first, second = csv(HEADER + line + "c,d,e\n")
    assert isinstance(first, UnreadableLine)
    assert first.line == 2
    assert first.reason.startswith(reason)
    assert isinstance(second, FoundRecord)


def test_a_line_in_another_encoding_is_no_record() -> None:
    data = HEADER.encode() + "é@example.com,,\n".encode("latin-1") + b"a,b,c\n"
    first, second = read_records(io.BytesIO(data), Format.CSV)
    assert first == UnreadableLine(2, "is not UTF-8")
    assert isinstance(second, FoundRecord)


def test_a_nul_is_only_another_character() -> None:
    (found,) = csv(HEADER + "a\0,b,c\n")
    assert isinstance(found, FoundRecord)
    assert found.values["email"] == "a\0"


def test_a_field_of_the_longest_record_is_read() -> None:
    (found,) = csv("email,password_hash\na," + "x" * 65_000 + "\n")
    assert isinstance(found, FoundRecord)


BAD_HEADERS = {
    "nothing": ("", "it is empty"),
    "an empty line": ("\n", "the header has no email and no password_hash"),
    "an unknown field": ("email,password_hash,bio\n", "fields that are not known: bio (--ignore"),
    "no hash": ("email\n", "the header has no password_hash, which has to be there, if only empty"),
    "no address": ("password_hash\n", "the header has no email,"),
    "a field twice": ("email,password_hash,email\n", "the header has a field twice"),
    "other delimiters": ("email;password_hash\n", "not known: number 1"),
    "another case": ("Email,password_hash\n", "not known: Email"),
    "a broken quotation": ('"email"x,password_hash"\n"\n', "the header has a quotation mark"),
    "a very long line": ("x" * 70_000 + "\n", "the header is longer than 64 KiB"),
}


@pytest.mark.parametrize(("text", "reason"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_header_that_is_none_stops_everything(text: str, reason: str) -> None:
    assert reason in refused(text)


def test_a_header_in_another_encoding_stops_everything() -> None:
    stream = io.BytesIO("email,password_hash,größe\n".encode("latin-1"))
    with pytest.raises(UnreadableFileError, match="the header is not UTF-8"):
        list(read_records(stream, Format.CSV))


def test_a_file_without_header_does_not_show_what_stands_in_its_first_line() -> None:
    reason = refused(f"ada@example.com,{SECRET},5f4dcc3b5aa765d61d8327deb882cf99\n")
    assert "not known: number 1, number 2, number 3 " in reason
    assert SECRET not in reason


def test_fields_can_be_left_out_by_name() -> None:
    text = "id,email,password_hash,bio\n17,a,b,c\n"
    assert csv(text, "bio", "id") == [FoundRecord(2, {"email": "a", "password_hash": "b"})]


@pytest.mark.parametrize("name", ["email", "password_hash"])
def test_what_has_to_be_there_cannot_be_left_out(name: str) -> None:
    assert f"has no {name}" in refused(HEADER, name)


# --- JSON lines ---


def test_json_lines_give_the_values_as_they_are() -> None:
    text = '{"email": "a", "password_hash": null, "roles": ["user"], "disabled": true}\n\n'
    assert jsonl(text) == [
        FoundRecord(1, {"email": "a", "password_hash": None, "roles": ["user"], "disabled": True})
    ]


BROKEN_JSON = {
    "no JSON": "email",
    "half of it": '{"email": "a"',
    "a name twice": '{"email": "a", "email": "b", "password_hash": ""}',
    "NaN": '{"email": NaN, "password_hash": ""}',
    "an endless number": '{"email": 1e999, "password_hash": ""}',
    "a number of many digits": '{"email": ' + "9" * 5000 + ', "password_hash": ""}',
    "deep nesting": '{"email": ' + "[" * 30_000 + "]" * 30_000 + "}",
    "two objects": '{"email": "a"} {"email": "b"}',
    "a NUL": '{"email": "a\0", "password_hash": ""}',
}


@pytest.mark.parametrize("line", BROKEN_JSON.values(), ids=BROKEN_JSON)
def test_what_is_no_json_is_no_record_and_the_next_line_is_read(line: str) -> None:
    good = '{"email": "a", "password_hash": ""}'
    assert jsonl(f"{line}\n{good}") == [
        UnreadableLine(1, "is not JSON, or has a name twice"),
        FoundRecord(2, {"email": "a", "password_hash": ""}),
    ]


@pytest.mark.parametrize("line", ["[]", '"email"', "17", "null"])
def test_json_that_is_no_object_is_no_record(line: str) -> None:
    assert jsonl(line) == [UnreadableLine(1, "is JSON, but no object")]


def test_unknown_and_missing_fields_make_no_record() -> None:
    unknown, missing, good = jsonl(
        '{"email": "a", "password_hash": "", "bio": "b"}\n'
        '{"email": "a"}\n'
        '{"email": "a", "password_hash": ""}\n'
    )
    assert isinstance(unknown, UnreadableLine)
    assert "not known: bio" in unknown.reason
    assert isinstance(missing, UnreadableLine)
    assert "has no password_hash" in missing.reason
    assert isinstance(good, FoundRecord)


def test_fields_of_json_can_be_left_out_by_name() -> None:
    text = '{"email": "a", "password_hash": "", "bio": {"likes": []}}\n'
    assert jsonl(text, "bio") == [FoundRecord(1, {"email": "a", "password_hash": ""})]
