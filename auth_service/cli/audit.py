"""``auth-service audit``: what happened, and whether anybody has changed it since."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from auth_service.cli.private_files import whole_private_file
from auth_service.cli.running import fail, moment, run

app = typer.Typer(no_args_is_help=True, help="Verify and export the record of events.")
_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option(help="A head that an earlier run printed: it has to be in the chain still."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Follow the chain of seals, and name every row that was changed, removed or moved.

    Prints the head: keep it where this database's administrators cannot change it, and give it to
    a later run with --expect. Exits with 1 where anything is wrong.
    """
    expected = None if expect is None else _head(expect)

    async def follow(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        total = await state.audit_verification.count()
        hidden = not sys.stderr.isatty()
        with typer.progressbar(
            length=max(total, 1), file=sys.stderr, label="verifying", hidden=hidden
        ) as bar:
            report = await state.audit_verification.verify(
                expected=expected, on_progress=lambda checked: bar.update(checked - bar.pos)
            )
        _show(report, as_json=as_json)
        if report.problems:
            count = len(report.problems)
            fail(f"the record was tampered with: {count} problem{'s' if count > 1 else ''}")

    run(follow)


@app.command()
def export(
    output: Annotated[Path | None, typer.Option(help="A file to write instead.")] = None,
    after: Annotated[
        datetime | None, typer.Option(help="Only what came later (UTC).", formats=_TIMES)
    ] = None,
    before: Annotated[
        datetime | None, typer.Option(help="Only what came earlier (UTC).", formats=_TIMES)
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
) -> None:
    """Export events as NDJSON, a line each, the oldest first.

    A file is readable for its owner alone, and there once it is complete.
    """

    async def write(state: Any, file: BinaryIO) -> int:  # noqa: ANN401 - any attribute
        count = 0
        async for event in state.audit.read_all(after=_utc(after), before=_utc(before)):
            file.write(json.dumps(_line(event)).encode() + b"\n")
            count += 1
        return count

    async def give_out(state: Any) -> None:  # noqa: ANN401 - any attribute
        if output is None:
            await write(state, sys.stdout.buffer)
            return
        with whole_private_file(output, replace=force) as file:
            count = await write(state, file)
        typer.echo(f"{count:,} events in {output}")

    run(give_out)


def _show(report: Any, *, as_json: bool) -> None:  # noqa: ANN401 - a Report, loaded late
    if as_json:
        document = {
            "checked": report.checked,
            "first": report.first.position if report.first else None,
            "head": _spelled(report.last),
            "unsealed": report.unsealed,
            "problems": [
                {
                    "position": problem.position,
                    "event": str(problem.event_id) if problem.event_id else None,
                    "problem": problem.what,
                }
                for problem in report.problems
            ],
        }
        typer.echo(json.dumps(document, indent=2))
        return
    for problem in report.problems:
        place = "-" if problem.position is None else problem.position
        typer.echo(f"{place}  {problem.event_id or '-'}  {problem.what}")
    typer.echo(f"{report.checked:,} sealed events, head {_spelled(report.last) or 'none yet'}")
    if report.unsealed:
        typer.echo(f"{report.unsealed:,} more wait for a worker to seal them")


def _spelled(last: Any) -> str | None:  # noqa: ANN401 - a Seal, loaded late
    return None if last is None else f"{last.position}:{last.mac.hex()}"


def _head(text: str) -> tuple[int, bytes]:
    position, colon, mac = text.partition(":")
    try:
        return int(position), bytes.fromhex(mac if colon else "?")
    except ValueError:
        fail("--expect takes a head as this command prints it, POSITION:SEAL")


def _utc(time: datetime | None) -> datetime | None:
    from auth_service.core.moments import OutOfRangeError, in_range

    try:
        return time and in_range(time.replace(tzinfo=UTC))
    except OutOfRangeError as fault:
        fail(str(fault))


def _line(event: Any) -> dict[str, Any]:  # noqa: ANN401 - a StoredEvent, loaded late
    return {
        "id": str(event.id),
        "at": moment(event.happened_at),
        "action": event.action,
        "outcome": event.outcome,
        **{
            name: str(value) if value else None
            for name, value in (
                ("actor", event.actor_id),
                ("subject", event.subject_id),
                ("session_id", event.session_id),
                ("client_id", event.client_id),
            )
        },
        "ip": event.ip,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "details": event.details,
    }
