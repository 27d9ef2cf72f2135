"""A file cut into records."""

import io
import tracemalloc

import pytest

from auth_service.admin.moving.errors import UnreadableFileError, UnreadableLineError
from auth_service.admin.moving.raw_records import MAXIMUM_RECORD_BYTES, RawRecord, raw_records


def cut(data: bytes, *, quoted: bool = True) -> list[tuple[int, bytes | None]]:
    return [(one.line, one.data) for one in raw_records(io.BytesIO(data), quoted=quoted)]


def test_records_are_numbered_by_the_line_they_begin_on() -> None:
    assert cut(b'a\n"b\nb"\r\nc') == [(1, b"a\n"), (2, b'"b\nb"\r\n'), (4, b"c")]


def test_without_quotes_every_line_is_a_record() -> None:
    assert cut(b'"a\nb"\n', quoted=False) == [(1, b'"a\n'), (2, b'b"\n')]


def test_an_empty_file_has_no_record() -> None:
    assert cut(b"") == []


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa\nb", b"a\nb"])
def test_the_mark_that_a_file_may_begin_with_is_no_part_of_it(data: bytes) -> None:
    assert cut(data) == [(1, b"a\n"), (2, b"b")]


def test_a_file_of_nothing_but_the_mark_is_empty() -> None:
    assert cut(b"\xef\xbb\xbf") == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("quoted", [True, False])
def test_another_encoding_is_told_by_its_mark(encoding: str, *, quoted: bool) -> None:
    data = "\ufeffemail".encode(encoding)
    with pytest.raises(UnreadableFileError, match="convert it to UTF-8"):
        cut(data, quoted=quoted)


@pytest.mark.parametrize("quoted", [True, False])
def test_a_record_that_is_too_long_is_passed_over_and_the_next_one_read(*, quoted: bool) -> None:
    long = b"x" * MAXIMUM_RECORD_BYTES
    assert cut(long + b"\nb\n", quoted=quoted) == [(1, None), (2, b"b\n")]
    assert cut(long[1:] + b"\nb\n", quoted=quoted) == [(1, long[1:] + b"\n"), (2, b"b\n")]
    assert cut(b"a\n" + long + b"y", quoted=quoted) == [(1, b"a\n"), (2, None)]


def test_what_stands_in_quotes_that_are_too_long_is_not_taken_for_a_record() -> None:
    bio = b"x" * MAXIMUM_RECORD_BYTES + b"\nadmin@example.com,,true,admin\n"
    assert cut(b'a,"' + bio + b'"\nb\n') == [(1, None), (4, b"b\n")]


@pytest.mark.parametrize("length", [1, 3 * MAXIMUM_RECORD_BYTES])
def test_quotes_that_never_close_are_told_with_the_line_they_open_on(length: int) -> None:
    records = raw_records(io.BytesIO(b'a\n"b\n' + b"c" * length + b"\n"), quoted=True)
    assert next(records) == RawRecord(1, b"a\n")
    with pytest.raises(UnreadableFileError, match=r"^line 2: "):
        next(records)


def test_a_line_of_ten_megabytes_takes_no_more_memory_than_a_short_one() -> None:
    stream = io.BytesIO(b"x" * 10_000_000 + b"\n")
    tracemalloc.start()
    try:
        assert [one.data for one in raw_records(stream, quoted=True)] == [None]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_record_is_utf_8() -> None:
    assert RawRecord(1, "Grüße\n".encode()).text() == "Grüße\n"
    with pytest.raises(UnreadableLineError, match="is not UTF-8"):
        RawRecord(1, "Grüße\n".encode("latin-1")).text()


def test_a_record_that_was_too_long_has_no_text() -> None:
    with pytest.raises(UnreadableLineError, match="longer than 64 KiB"):
        RawRecord(1, None).text()
