"""What `users import` tells about what it did."""

import json
from pathlib import Path
from typing import Any, BinaryIO, Final

import typer

from auth_service.cli.private_files import new_private_file
from auth_service.cli.running import fail

_SHOWN: Final = 50


class ImportOutcome:
    """Counts, and the lines that were refused: all of them in a report, or the first 50 here."""

    def __init__(self, *, dry_run: bool, report: Path | None) -> None:
        self._dry_run = dry_run
        self._report: BinaryIO | None = None if report is None else new_private_file(report)
        self._kept: list[Any] = []
        self._line = self._read = self._imported = self._administrators = 0
        self._already_there = self._refused = 0

    def add(self, settled: Any) -> None:  # noqa: ANN401 - a Settled, whose module is loaded late
        """Count what became of some lines."""
        self._line = settled.line
        self._read += settled.read
        self._imported += settled.imported
        self._administrators += settled.administrators
        self._already_there += settled.already_there
        self._refused += len(settled.refused)
        self._kept += settled.refused[: _SHOWN - len(self._kept)]
        if self._report is not None:
            self._report.writelines(_report_line(one) for one in settled.refused)
            self._report.flush()

    def show(self, *, as_json: bool, stopped: str | None = None) -> None:
        """Print the counts, and the refused lines where no report has them.

        Ends the command with exit code 1 where lines were refused, or it ``stopped`` for a reason.
        """
        if self._read or stopped is None:
            typer.echo(self._as_json(finished=stopped is None) if as_json else self._as_text())
        if self._report is None:
            self._show_refused()
        else:
            self._report.close()
        if stopped is not None:
            fail(stopped + self._how_to_go_on())
        if self._refused:
            fail(f"{self._refused:,} of {self._read:,} lines were refused")

    def _as_json(self, *, finished: bool) -> str:
        return json.dumps(
            {
                "dry_run": self._dry_run,
                "finished": finished,
                "read": self._read,
                "imported": self._imported,
                "administrators": self._administrators,
                "already_there": self._already_there,
                "refused": self._refused,
                "line": self._line,
            },
            indent=2,
        )

    def _as_text(self) -> str:
        done = "would be imported" if self._dry_run else "imported"
        administrators = f" ({self._administrators:,} administrators)"
        return (
            f"{self._imported:,} {done}{administrators if self._administrators else ''}, "
            f"{self._already_there:,} already there, {self._refused:,} refused, "
            f"of {self._read:,}"
        )

    def _show_refused(self) -> None:
        for one in self._kept:
            whose = f" ({one.email})" if one.email else ""
            what = f"{one.field} " if one.field else ""
            typer.echo(f"line {one.line}{whose}: {what}{one.reason}", err=True)
        if more := self._refused - len(self._kept):
            typer.echo(f"and {more:,} more (--report FILE keeps them all)", err=True)

    def _how_to_go_on(self) -> str:
        if self._dry_run or not self._read:
            return ""
        return (
            f"; everything up to line {self._line} is settled, and importing the file again "
            "goes on from there"
        )


def _report_line(refused: Any) -> bytes:  # noqa: ANN401 - a RefusedLine, likewise
    found = {
        "line": refused.line,
        "email": refused.email,
        "field": refused.field,
        "reason": refused.reason,
    }
    return json.dumps(found).encode() + b"\n"
