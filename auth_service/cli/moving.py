"""``auth-service users import`` and ``export``: accounts in files."""

import asyncio
import io
import os
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from auth_service.cli.import_outcome import ImportOutcome
from auth_service.cli.private_files import whole_private_file
from auth_service.cli.running import fail, run
from auth_service.core.errors import DomainError

_FORMATS: Final = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl"}
_STANDARD_INPUT: Final = Path("-")

FormatOption = Annotated[
    str | None,
    typer.Option("--format", help="csv or jsonl; by default as the file's name ends."),
]


def import_users(  # noqa: PLR0913 - each is an option
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or JSON lines; - is standard input.")
    ],
    file_format: FormatOption = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A field to leave out; repeatable."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="A new file for the refused lines, as JSON lines."),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Import accounts with the password hashes they have.

    The file is UTF-8: CSV whose first line names the fields, or a JSON object on each line. Fields:
    email and password_hash (must be there; an empty hash means that the person sets a password by
    the mailed reset), email_verified, roles, created_at, last_login_at, id (a UUID, kept),
    disabled, disabled_at, disabled_until. Times without a zone are UTC.

    An address that has an account, in whatever spelling, is left as it is, so a file may be
    imported again. Each thousand lines are one transaction: what was stored before an
    interruption stays, and importing the file again goes on from there.

    Exits with 1 where a line was refused (all others are imported) or the import stopped.
    """
    wanted = _format_of(file, file_format)
    with _opened(file) as source:
        name = "standard input" if file == _STANDARD_INPUT else str(file)
        run(_Import(name, source, wanted, ignore or [], report, dry_run, as_json))


@dataclass(frozen=True)
class _Import:
    """The command, once its file is open."""

    name: str
    source: BinaryIO
    file_format: str
    ignore: list[str]
    report: Path | None
    dry_run: bool
    as_json: bool

    async def __call__(self, state: Any) -> None:  # noqa: ANN401 - any attribute
        from auth_service.admin.moving.errors import UnreadableFileError

        outcome = ImportOutcome(dry_run=self.dry_run, report=self.report)
        stopped = None
        try:
            await self._take_in(state, outcome)
        except UnreadableFileError as fault:
            stopped = f"{self.name}: {fault}"
        except OSError as fault:
            stopped = f"{self.name}: {fault.strerror or fault}"
        except DomainError as fault:
            stopped = str(fault).rstrip(".")
        except asyncio.CancelledError:
            stopped = "interrupted"
        outcome.show(as_json=self.as_json, stopped=stopped)

    async def _take_in(self, state: Any, outcome: ImportOutcome) -> None:  # noqa: ANN401 - any attribute
        from auth_service.admin.moving.formats import Format, read_records

        found = read_records(self.source, Format(self.file_format), ignore=self.ignore)
        with _bar(self.source) as bar:
            done = 0
            async for settled in state.user_import.run(found, dry_run=self.dry_run):
                outcome.add(settled)
                if not bar.hidden:
                    bar.update(self.source.tell() - done)
                    done = self.source.tell()


def export_users(
    output: Annotated[Path | None, typer.Option(help="A file to write instead.")] = None,
    file_format: FormatOption = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
) -> None:
    """Export every account with its password hash, as `users import` takes it.

    Prints CSV unless told otherwise. A file is readable for its owner alone, and there once it
    is complete.
    """
    wanted = _format_of(output, file_format) if output or file_format else "csv"

    async def write(state: Any, file: BinaryIO) -> int:  # noqa: ANN401 - any attribute
        from auth_service.admin.moving.formats import Format

        accounts = 0
        async for part in state.user_export.run(Format(wanted)):
            file.write(part.text.encode())
            accounts += part.accounts
        return accounts

    async def give_out(state: Any) -> None:  # noqa: ANN401 - any attribute
        if output is None:
            await write(state, sys.stdout.buffer)
            return
        with whole_private_file(output, replace=force) as file:
            accounts = await write(state, file)
        typer.echo(f"{accounts:,} accounts in {output}")

    run(give_out)


def _format_of(file: Path | None, named: str | None) -> str:
    if named is not None:
        if named not in set(_FORMATS.values()):
            fail("--format is csv or jsonl")
        return named
    ending = "" if file is None else file.suffix.removeprefix(".").lower()
    if ending not in _FORMATS:
        fail(f"the format of {file} is not known: say --format csv or --format jsonl")
    return _FORMATS[ending]


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    if file == _STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return file.open("rb")
    except OSError as fault:
        fail(f"cannot read {file}: {fault.strerror}")


def _bar(source: BinaryIO) -> Any:  # noqa: ANN401 - Typer does not name its progress bar
    """A bar over the bytes of the file; hidden where nobody would see it, or it has no end."""
    length = _length(source)
    hidden = length is None or not sys.stderr.isatty()
    return typer.progressbar(length=length or 1, file=sys.stderr, label="importing", hidden=hidden)


def _length(source: BinaryIO) -> int | None:
    try:
        found = os.fstat(source.fileno())
    except io.UnsupportedOperation:
        return None  # standard input that is none
    return found.st_size if stat.S_ISREG(found.st_mode) else None
