"""Whatever stands in a file, it is a record, a refusal, or a file that cannot be read."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auth_service.admin.moving.errors import RefusedFieldError, UnreadableFileError
from auth_service.admin.moving.formats import Format, FoundRecord, read_records
from auth_service.admin.moving.names import FIELDS
from auth_service.admin.moving.record import record_of, values_of
from auth_service.admin.moving.writing import header_line, record_line
from auth_service.methods.password.hashing import objection
from auth_service.users.account import AccountRecord

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEADER = b"email,password_hash,email_verified,roles,created_at,disabled\n"
CSV_ALPHABET = st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"a@b.de", b"\xff", "é".encode()])
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ANY_RECORD = st.fixed_dictionaries(
    {"email": st.just("ada@example.com") | ANY_VALUE, "password_hash": st.none() | ANY_VALUE},
    optional={
        field: ANY_VALUE
        for field in (*FIELDS, "disabled")
        if field not in {"email", "password_hash"}
    },
)


def taken(data: bytes, file_format: Format) -> list[AccountRecord]:
    """The accounts in a file; what is refused is left out, and anything else fails the test."""
    found = []
    try:
        for one in read_records(io.BytesIO(data), file_format):
            if isinstance(one, FoundRecord):
                found += _accepted(one.values)
    except UnreadableFileError:
        pass
    return found


def _accepted(values: Any) -> list[AccountRecord]:
    try:
        return [record_of(values, objection=objection, now=NOW)]
    except RefusedFieldError:
        return []


def storable(record: AccountRecord) -> bool:
    """Whether every database takes it: no U+0000, no half of a surrogate pair."""
    text = json.dumps(values_of(record), ensure_ascii=False)
    return "\\u0000" not in text and text.encode().decode() == text


@given(st.binary())
@settings(deadline=None)
@pytest.mark.parametrize("file_format", Format)
def test_any_bytes_can_be_read_to_their_end(file_format: Format, data: bytes) -> None:
    taken(data, file_format)


@given(st.lists(CSV_ALPHABET).map(b"".join))
@settings(deadline=None, max_examples=300)
def test_any_csv_can_be_read_to_its_end(data: bytes) -> None:
    assert all(map(storable, taken(HEADER + data, Format.CSV)))


@given(ANY_RECORD)
@example({"email": "ada@example.com", "password_hash": None, "roles": ["user"]})
@example({"email": "\ud800@example.com", "password_hash": "\ud800"})
@settings(deadline=None, max_examples=300)
def test_any_json_is_refused_or_can_be_stored_and_written_and_read_again(values: Any) -> None:
    for record in taken(json.dumps(values).encode(), Format.JSONL):
        assert storable(record)
        for file_format in Format:
            line = header_line(file_format) + record_line(values_of(record), file_format)
            assert taken(line.encode(), file_format) == [record]
