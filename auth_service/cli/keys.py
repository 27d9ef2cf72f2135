"""``auth-service keys``: the keys that sign access tokens."""

from typing import Annotated, Any

import typer

from auth_service.cli.running import run, show

app = typer.Typer(no_args_is_help=True, help="Look at the signing keys, and re-encrypt them.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List the signing keys, the oldest first; never anything private."""

    async def list_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.tokens import repository

        async with state.database.transaction() as db:
            found = await repository.list_keys(db)
        show([_row(key) for key in found], as_json=as_json)

    run(list_all)


@app.command()
def reencrypt(*, as_json: AsJson = False) -> None:
    """Put every signing key under the first of AUTH_SECRET_KEYS, and list those that were not.

    To replace a secret: put the new one first, restart, run this; drop the old one once
    AUTH_SESSION_IDLE_TTL has passed.
    """

    async def under_current_secret(state: Any) -> None:  # noqa: ANN401 - any attribute
        async with state.database.transaction() as db:
            changed = await state.access_tokens.reencrypt_keys(db)
        show([_row(key) for key in changed], as_json=as_json)
        if not changed and not as_json:
            typer.echo("every key is under the first of AUTH_SECRET_KEYS already")

    run(under_current_secret)


def _row(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a StoredKey, whose module is loaded late
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": key.created_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
