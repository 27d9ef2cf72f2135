"""``auth-service users``: accounts, from the command line."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from auth_service.cli.moving import export_users, import_users
from auth_service.cli.running import fail, run, show
from auth_service.cli.user_actions import (
    change_roles,
    delete,
    end_sessions,
    reset_password,
    show_user,
    unlock,
)
from auth_service.cli.user_rows import AsJson, EmailArgument, parsed, row_of

app = typer.Typer(no_args_is_help=True, help="Create, list, change and move accounts.")
app.command("import")(import_users)
app.command("export")(export_users)

app.command("show")(show_user)
app.command("roles")(change_roles)
app.command("reset-password")(reset_password)
app.command()(unlock)
app.command("end-sessions")(end_sessions)
app.command()(delete)


@app.command()
def create(
    email: EmailArgument,
    role: Annotated[
        list[str] | None, typer.Option(help="A role besides `user`, such as admin; repeatable.")
    ] = None,
    *,
    verified: Annotated[bool, typer.Option(help="The address needs no verification.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create an account.

    The password is asked for; where standard input is no terminal, it is its first line.
    """
    roles = _with_user(role or [])
    password = _read_password()

    async def add(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.core.client import ClientInfo

        async with state.database.transaction() as db:
            account = await state.registrations.create(
                db,
                parsed(email),
                password,
                client=ClientInfo(),
                roles=roles,
                email_verified=verified,
            )
        show([row_of(account)], as_json=as_json)

    run(add)


@app.command("list")
def list_users(*, as_json: AsJson = False) -> None:
    """List every account, in the order they were made."""

    async def list_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            found = [row_of(account) async for account in state.user_administration.list_all(db)]
        show(found, as_json=as_json)

    run(list_all)


@app.command()
def disable(
    email: EmailArgument,
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Until this time (UTC); for good without it.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Disable an account and end its sessions, at once."""

    async def switch_off(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        end = until.replace(tzinfo=UTC) if until else None
        async with state.database.transaction() as db:
            account = await state.user_administration.disable(db, parsed(email), until=end)
        show([row_of(account)], as_json=as_json)

    run(switch_off)


@app.command()
def enable(email: EmailArgument, *, as_json: AsJson = False) -> None:
    """Let a disabled account be used again; its old sessions stay ended."""

    async def switch_on(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            account = await state.user_administration.enable(db, parsed(email))
        show([row_of(account)], as_json=as_json)

    run(switch_on)


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    try:
        line = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        fail("the password on standard input is not UTF-8")
    if not line:
        fail("no password on standard input")
    if "\0" in line:
        fail("a password must not hold U+0000")
    return line


def _with_user(roles: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("user", *roles)))
