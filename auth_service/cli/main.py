"""``auth-service``: every command by name, the work in the modules beside this one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from auth_service import __version__
from auth_service.cli import audit, clients, keys, users, webhooks
from auth_service.cli.running import fail, one_line_failures, quiet_logs, run, show

app = typer.Typer(
    name="auth-service",
    help="A self-hosted authentication service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(users.app, name="users")
app.add_typer(clients.app, name="clients")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(webhooks.app, name="webhooks")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line."""
    app()


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; localhost is 127.0.0.1 and ::1.")
    ] = "localhost",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[
        int | None, typer.Option(help="Processes; default AUTH_WORKERS.", min=1)
    ] = None,
) -> None:
    """Serve requests until SIGTERM or Ctrl-C, then finish those that are running.

    Outside production the database is migrated first; in production it must be at head already.
    In development only loopback addresses are listened on, unless AUTH_DEVELOPMENT_EXPOSED=true.
    """
    from auth_service.cli.serving import serve as serve_until_stopped

    with one_line_failures():
        serve_until_stopped(host=host, port=port, workers=workers)


@app.command()
def migrate() -> None:
    """Bring the database's schema to the version that this release serves.

    Safe to run from several replicas at once.
    """
    import asyncio

    from auth_service.db import schema
    from auth_service.db.engine import new_engine
    from auth_service.settings import Settings

    async def to_head(settings: Settings) -> None:
        engine = new_engine(settings)
        try:
            before = await schema.current_revision(engine)
            if schema.is_later(before):
                fail(f"the schema is at {before}, of a later release than this one ({schema.HEAD})")
            await schema.migrate(engine)
        finally:
            await engine.dispose()
        state = "was there already" if before == schema.HEAD else f"from {before or 'nothing'}"
        typer.echo(f"schema at {schema.HEAD} ({state})")

    with one_line_failures():
        settings = Settings.load()
        quiet_logs()
        asyncio.run(to_head(settings))


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Check the settings and everything they point to, as `/readyz` would.

    Warns of settings that production accepts although they weaken it.

    Makes the first signing key where there is none yet, as the first start would.
    Exits with 1 and names every fault where the service could not serve.
    """
    from auth_service.cli.misspellings import unknown_variables
    from auth_service.setting_warnings import warnings_of

    for name in unknown_variables():
        typer.echo(f"auth-service: {name} is no setting of this service", err=True)

    async def ask(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        warnings = warnings_of(state.settings)
        for warning in warnings:
            typer.echo(f"auth-service: warning: {warning}", err=True)
        await state.secret_keys.ensure_none_is_missing()
        found = await state.operations.readiness()
        rows = [{"part": part, "state": condition} for part, condition in found.checks.items()]
        if as_json:
            rows += [{"part": warning.split()[0], "state": warning} for warning in warnings]
        show(rows, as_json=as_json)

    run(ask)


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="A file to write instead.")] = None,
) -> None:
    """Print the OpenAPI document."""
    import json

    from auth_service.app import create_app
    from auth_service.core.secrets import new_secret
    from auth_service.settings import Settings

    with one_line_failures():
        settings = Settings.load()
        # Nothing is served, so no secret has to be made and kept.
        settings = settings.model_copy(update={"secret_keys": [new_secret()]})
        document = create_app(settings).openapi()
    text = json.dumps(document, indent=2) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as fault:
        fail(f"cannot write {output}: {fault.strerror}")


@app.command()
def secret() -> None:
    """Print a new random secret, for `AUTH_SECRET_KEYS`."""
    from auth_service.core.secrets import new_secret

    typer.echo(new_secret())
