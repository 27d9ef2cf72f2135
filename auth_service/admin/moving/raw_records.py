"""A file cut into records: numbered, bounded, and read in constant memory."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from auth_service.admin.moving.errors import UnreadableFileError, UnreadableLineError

MAXIMUM_RECORD_BYTES: Final = 64 * 1024
_QUOTE: Final = b'"'
_OTHER_ENCODINGS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record's bytes, and the number of its first line; None where it is too long to be one."""

    line: int
    data: bytes | None

    def text(self) -> str:
        """The record as text.

        Raises:
            UnreadableLineError: it is too long, or no UTF-8.
        """
        if self.data is None:
            raise UnreadableLineError(f"is longer than {MAXIMUM_RECORD_BYTES // 1024} KiB")
        try:
            return self.data.decode()
        except UnicodeDecodeError as fault:
            raise UnreadableLineError("is not UTF-8") from fault


def raw_records(stream: BinaryIO, *, quoted: bool) -> Iterator[RawRecord]:
    """The records of a file; one that is too long is skipped over, never kept.

    With ``quoted`` (CSV, RFC 4180 section 2) a line break between quotation marks does not end a
    record. That is decided by counting them, so that it holds for records too long to be kept as
    well, and no text that somebody put into a field of theirs is ever taken for a record.

    Raises:
        UnreadableFileError: the file is in another encoding, or ends between quotation marks.
    """
    record, too_long, quotes = bytearray(), False, 0
    start = number = 1
    for chunk in _chunks(stream):
        quotes += chunk.count(_QUOTE)
        too_long = too_long or len(record) + len(chunk) > MAXIMUM_RECORD_BYTES
        record = bytearray() if too_long else record + chunk
        if not chunk.endswith(b"\n"):
            continue
        number += 1
        if not quoted or quotes % 2 == 0:
            yield RawRecord(start, None if too_long else bytes(record))
            record, too_long, quotes, start = bytearray(), False, 0, number
    if quoted and quotes % 2:
        raise UnreadableFileError(
            f"line {start}: a quotation mark is opened in it and never closed, "
            "so nothing from there on can be read"
        )
    if record or too_long:
        yield RawRecord(start, None if too_long else bytes(record))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Lines, or parts of very long ones, without the mark that a file may begin with."""
    beginning = stream.readline(MAXIMUM_RECORD_BYTES)
    if beginning.startswith(_OTHER_ENCODINGS):
        raise UnreadableFileError("it is UTF-16 or UTF-32: convert it to UTF-8")
    yield beginning.removeprefix(codecs.BOM_UTF8)
    yield from iter(lambda: stream.readline(MAXIMUM_RECORD_BYTES), b"")
