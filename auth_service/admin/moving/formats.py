"""The two formats that accounts move in, CSV (RFC 4180) and JSON lines: how each is read."""

import csv
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from auth_service.admin.moving.errors import UnreadableFileError, UnreadableLineError
from auth_service.admin.moving.formulas import unguarded
from auth_service.admin.moving.names import check_names
from auth_service.admin.moving.raw_records import RawRecord, raw_records
from auth_service.admin.moving.record import Values
from auth_service.verifier.strict_json import parse_strict_json


class Format(StrEnum):
    """How a file of accounts is written."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """The named values that stand on a line."""

    line: int
    values: Values


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that is no record, and why, in words that follow "it"."""

    line: int
    reason: str


def read_records(
    stream: BinaryIO, file_format: Format, *, ignore: Collection[str] = ()
) -> Iterator[FoundRecord | UnreadableLine]:
    """Every record of a file, without the fields to ignore; empty lines are passed over.

    Raises:
        UnreadableFileError: the file as a whole cannot be read, or not any further.
    """
    return (_read_csv if file_format is Format.CSV else _read_json)(stream, frozenset(ignore))


def _read_csv(stream: BinaryIO, ignore: frozenset[str]) -> Iterator[FoundRecord | UnreadableLine]:
    records = raw_records(stream, quoted=True)
    header = next(records, None)
    if header is None:
        raise UnreadableFileError("it is empty: not even a header is there")
    try:
        names = [cell.strip() for cell in _cells(header.text())]
        check_names(names, ignore)
    except UnreadableLineError as fault:
        raise UnreadableFileError(f"the header {fault}") from fault

    def values_of(text: str) -> Values:
        cells = _cells(text)
        if len(cells) != len(names):
            raise UnreadableLineError(f"has {len(cells)} fields where the header has {len(names)}")
        found = zip(names, (unguarded(cell.strip()) for cell in cells), strict=True)
        return {name: cell for name, cell in found if cell and name not in ignore}

    for record in records:
        yield from _found(record, values_of)


def _read_json(stream: BinaryIO, ignore: frozenset[str]) -> Iterator[FoundRecord | UnreadableLine]:
    def values_of(text: str) -> Values:
        try:
            value = parse_strict_json(text.encode())
        except ValueError as fault:
            raise UnreadableLineError("is not JSON, or has a name twice") from fault
        if not isinstance(value, dict):
            raise UnreadableLineError("is JSON, but no object")
        check_names(list(value), ignore)
        return {name: field for name, field in value.items() if name not in ignore}

    for record in raw_records(stream, quoted=False):
        yield from _found(record, values_of)


def _found(
    record: RawRecord, values_of: Callable[[str], Values]
) -> Iterator[FoundRecord | UnreadableLine]:
    try:
        text = record.text()
        if text.strip():
            yield FoundRecord(record.line, values_of(text))
    except UnreadableLineError as fault:
        yield UnreadableLine(record.line, str(fault))


def _cells(text: str) -> list[str]:
    try:
        (row,) = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (csv.Error, ValueError) as fault:
        raise UnreadableLineError(
            "has a quotation mark or a line break where none belongs"
        ) from fault
    return row
