"""``auth-service webhooks``: where events are sent to."""

from typing import Annotated, Any, Final

import typer

from auth_service.cli.running import moment, run, show

app = typer.Typer(no_args_is_help=True, help="Create, list, test and delete webhooks.")
_SHOWN_ONCE: Final = "The secret is not shown again."
_PAGE: Final = 200
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.")]


@app.command()
def create(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are sent to.")],
    event: Annotated[
        list[str] | None, typer.Option(help="A type of event; repeatable, all without it.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Have events sent to an endpoint, and show its secret this once."""

    async def add(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            made = await state.webhooks.create(db, url, event)
            await _record(state, db, "WEBHOOK_CREATED", made.endpoint.id)
        show([_row(made.endpoint) | {"secret": made.secret}], as_json=as_json)
        typer.echo(_SHOWN_ONCE, err=as_json)

    run(add)


@app.command("list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """List every endpoint; never a secret."""

    async def list_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        found: list[Any] = []
        async with state.database.transaction() as db:
            while page := await state.webhooks.list_page(
                db, after=found[-1].id if found else None, limit=_PAGE
            ):
                found += page
        show([_row(endpoint) for endpoint in found], as_json=as_json)

    run(list_all)


@app.command("test")
def ping(webhook_id: IdArgument) -> None:
    """Have a ping sent to an endpoint, by a server that runs."""

    async def put(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        async with state.database.transaction() as db:
            await state.webhooks.ping(db, _parsed(webhook_id))

    run(put)


@app.command()
def delete(webhook_id: IdArgument) -> None:
    """Send an endpoint nothing more."""

    async def remove(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        found = _parsed(webhook_id)
        async with state.database.transaction() as db:
            await state.webhooks.remove(db, found)
            await _record(state, db, "WEBHOOK_DELETED", found)

    run(remove)


async def _record(state: Any, db: Any, action: str, webhook_id: Any) -> None:  # noqa: ANN401 - parts are loaded late
    from auth_service.admin.acting import COMMAND_LINE
    from auth_service.audit.actions import Action

    await COMMAND_LINE.record(state.audit, db, Action[action], None, webhook=str(webhook_id))


def _parsed(webhook_id: str) -> Any:  # noqa: ANN401 - a UUID
    from uuid import UUID

    from auth_service.webhooks.errors import WebhookNotFound

    try:
        return UUID(webhook_id)
    except ValueError as fault:
        raise WebhookNotFound from fault


def _row(endpoint: Any) -> dict[str, Any]:  # noqa: ANN401 - a StoredEndpoint, loaded late
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "created_at": moment(endpoint.created_at),
        "disabled_at": moment(endpoint.disabled_at),
        "failing_since": moment(endpoint.failing_since),
    }
