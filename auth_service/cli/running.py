"""How a command runs: on the same parts as the server, failing with one line.

Settings and parts are loaded when a command needs them: `--help` needs none of it, and should be
there at once.
"""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from auth_service.settings import Settings


def fail(reason: str) -> NoReturn:
    """End the command: the reason on standard error, exit code 1."""
    typer.echo(f"auth-service: {reason}", err=True)
    raise typer.Exit(1)


@contextmanager
def one_line_failures() -> Iterator[None]:
    """Turn what a command may run into, and its user can mend, into one line."""
    from auth_service.core.errors import DomainError
    from auth_service.core.secrets import UndecryptableError
    from auth_service.setting_sources import SettingsError

    try:
        yield
    except (DomainError, SettingsError, UndecryptableError) as fault:
        fail(str(fault))


@asynccontextmanager
async def _parts(settings: "Settings") -> AsyncIterator[Any]:
    from auth_service.app import create_app
    from auth_service.db import schema

    state = create_app(settings).state
    try:
        if not schema.can_serve(await schema.current_revision(state.database.engine)):
            fail("the database's schema is not at head: run `auth-service migrate`")
        yield state
    finally:
        await state.hasher.aclose()
        await state.breached_passwords.aclose()
        await state.rate_limiter.aclose()
        await state.database.close()


def run(command: Callable[[Any], Awaitable[None]]) -> None:
    """Run a command on the service's parts (the app's ``state``), on a schema that it serves."""
    import asyncio

    from auth_service.settings import Settings

    async def with_parts(settings: Settings) -> None:
        async with _parts(settings) as state:
            await command(state)

    with one_line_failures():
        settings = Settings.load()
        quiet_logs()
        asyncio.run(with_parts(settings))


def quiet_logs() -> None:
    """Keep events off standard output, which is for what the command prints."""
    import logging

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows, as a JSON array or as a table."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=str))
    elif rows:
        table = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(rows[0]))]
        for line in table:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            typer.echo("  ".join(cells).rstrip())


def moment(value: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC, to the second."""
    return None if value is None else value.isoformat(timespec="seconds").replace("+00:00", "Z")


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
