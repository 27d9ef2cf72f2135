"""``auth-service clients``: services that get tokens in their own name."""

from typing import Annotated, Any, Final

import typer

from auth_service.cli.running import fail, moment, run, show

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke service clients.")

ClientArgument = Annotated[
    str, typer.Argument(metavar="CLIENT", help="The client's id, or a name that only it has.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN_ONCE: Final = "The secret is not shown again."
_PAGE: Final = 200


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the client is called.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope it may ask for; repeatable.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Create a service client, and show its secret this once."""

    async def add(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            made = await state.service_clients.create(db, name, scope or [])
            await _record(state, db, "CLIENT_CREATED", made.client.id)
        _show_secret(made, as_json=as_json)

    run(add)


@app.command("list")
def list_clients(*, as_json: AsJson = False) -> None:
    """List every service client, in the order they were made; never a secret."""

    async def list_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        found: list[Any] = []
        async with state.database.transaction() as db:
            while page := await state.service_clients.list_page(
                db, after=found[-1].id if found else None, limit=_PAGE
            ):
                found += page
        show([_row(client) for client in found], as_json=as_json)

    run(list_all)


@app.command()
def secret(
    client: ClientArgument,
    *,
    end_previous: Annotated[
        bool, typer.Option("--end-previous", help="Refuse every older secret at once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret, and show it this once.

    The one in use stays good until the next change, so that the service can be given the new one
    in peace. --end-previous is for a secret that others may have.
    """

    async def change(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            found = await _get(state, db, client)
            made = await state.service_clients.change_secret(
                db, found.id, keep_previous=not end_previous
            )
            await _record(state, db, "CLIENT_SECRET_CHANGED", found.id)
        _show_secret(made, as_json=as_json)

    run(change)


@app.command()
def revoke(client: ClientArgument, *, as_json: AsJson = False) -> None:
    """Delete a client, and show what it was.

    It gets no more tokens, and those it has are refused by introspection and by services that
    follow the list of revocations. Services that do neither accept them until they expire.
    """

    async def remove(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            found = await _get(state, db, client)
            await state.service_clients.remove(db, found.id)
            await _record(state, db, "CLIENT_DELETED", found.id)
        show([_row(found)], as_json=as_json)

    run(remove)


async def _record(state: Any, db: Any, action: str, client_id: Any) -> None:  # noqa: ANN401 - parts are loaded late
    """Write down what was done to a client from here."""
    from auth_service.admin.acting import COMMAND_LINE
    from auth_service.audit.actions import Action

    await COMMAND_LINE.record(state.audit, db, Action[action], None, client_id=client_id)


async def _get(state: Any, db: Any, client: str) -> Any:  # noqa: ANN401 - parts are loaded late
    """The client with this id or name; ends the command where there is none, or several."""
    from auth_service.clients.errors import ClientNotFound

    found = await state.service_clients.list_known_as(db, client)
    if not found:
        raise ClientNotFound
    if len(found) > 1:
        fail(f"{len(found)} clients have this name: use the id")
    return found[0]


def _show_secret(made: Any, *, as_json: bool) -> None:  # noqa: ANN401 - a ClientWithSecret
    client = made.client
    row = {"id": str(client.id), "name": client.name, "scopes": client.scopes}
    show([row | {"secret": made.secret}], as_json=as_json)
    typer.echo(_SHOWN_ONCE, err=as_json)


def _row(client: Any) -> dict[str, Any]:  # noqa: ANN401 - a StoredClient, whose module loads late
    return {
        "id": str(client.id),
        "name": client.name,
        "scopes": client.scopes,
        "created_at": moment(client.created_at),
        "secret_changed_at": moment(client.secret_changed_at),
        "has_previous_secret": client.previous_secret_hash is not None,
    }
