"""Accounts as lines of a file, such as ``formats`` reads them."""

import csv
import io
import json
from typing import Any

from auth_service.admin.moving.formats import Format
from auth_service.admin.moving.formulas import guarded
from auth_service.admin.moving.names import FIELDS
from auth_service.admin.moving.record import Values


def header_line(file_format: Format) -> str:
    """What the file begins with; nothing for JSON lines."""
    return _csv_line(FIELDS) if file_format is Format.CSV else ""


def record_line(values: Values, file_format: Format) -> str:
    """One account's line."""
    if file_format is Format.JSONL:
        return json.dumps(values, ensure_ascii=False) + "\n"
    return _csv_line([_cell(values[field]) for field in FIELDS])


def _cell(value: Any) -> str:  # noqa: ANN401 - a value of any field
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            # Nothing at all would be read as nothing given, so as the roles of a new user.
            return " ".join(value) or "[]"
        case _:
            return guarded(str(value))


def _csv_line(cells: "list[str] | tuple[str, ...]") -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
