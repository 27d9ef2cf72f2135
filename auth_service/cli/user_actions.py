"""``auth-service users``: what an administrator does to one account, from the command line."""

from typing import Annotated, Any

import typer

from auth_service.cli.running import fail, run, show
from auth_service.cli.user_rows import AsJson, EmailArgument, parsed, row_of


def show_user(email: EmailArgument, *, as_json: AsJson = False) -> None:
    """Show an account."""

    async def look(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        entry = await state.user_administration.get_by_address(parsed(email))
        locked = entry.failures >= state.settings.throttle_hard_stop
        show([row_of(entry.account) | {"locked": locked}], as_json=as_json)

    run(look)


def change_roles(
    email: EmailArgument,
    add: Annotated[list[str] | None, typer.Option(help="A role to give; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A role to take; repeatable.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give an account roles, or take some away. The last administrator stays one."""
    if not add and not remove:
        fail("nothing to change: --add or --remove a role")

    async def change(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.admin.acting import COMMAND_LINE
        from auth_service.admin.user_change import UserChange

        entry = await state.user_administration.get_by_address(parsed(email))
        roles = dict.fromkeys([*entry.account.roles, *(add or [])])
        kept = [role for role in roles if role not in (remove or [])]
        async with state.database.transaction() as db:
            account = await state.user_administration.change(
                db, COMMAND_LINE, entry.id, UserChange(roles=kept)
            )
        show([row_of(account)], as_json=as_json)

    run(change)


def reset_password(email: EmailArgument) -> None:
    """Void a password, end every session, and mail a link to set another."""
    _act(email, "reset_password")


def unlock(email: EmailArgument) -> None:
    """Have a password work again that wrong ones have stopped."""
    _act(email, "unlock")


def end_sessions(
    email: Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="Whose sessions.")] = None,
    *,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Those of everybody, in an emergency.")
    ] = False,
) -> None:
    """End the sessions of an account, or with --everybody of all accounts."""
    if (email is None) is not everybody:
        fail("name an address, or --everybody")
    if email is not None:
        _act(email, "end_sessions")
        return

    async def end_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.admin.acting import COMMAND_LINE

        await state.user_administration.end_everybodys_sessions(COMMAND_LINE)

    run(end_all)


def delete(
    email: EmailArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account with all that is known about its owner, who is told."""
    if not yes:
        typer.confirm(f"Delete {email}? It cannot be brought back.", abort=True)
    _act(email, "delete")


def _act(email: str, name: str) -> None:
    async def act(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.admin.acting import COMMAND_LINE

        entry = await state.user_administration.get_by_address(parsed(email))
        async with state.database.transaction() as db:
            await getattr(state.user_administration, name)(db, COMMAND_LINE, entry.id)

    run(act)
