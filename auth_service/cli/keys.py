"""``auth-service keys``: the keys that sign access tokens."""

from typing import Annotated, Any

import typer

from auth_service.cli.running import fail, moment, run, show

app = typer.Typer(no_args_is_help=True, help="The signing keys, and the secrets that protect them.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List the signing keys, the oldest first; never anything private."""

    async def list_all(state: Any) -> None:  # noqa: ANN401 - the app's state has any attribute
        from auth_service.tokens import repository

        found = await repository.list_keys(state.database)
        show([_row(key) for key in found], as_json=as_json)

    run(list_all)


@app.command()
def rotate(
    *,
    now: Annotated[
        bool,
        typer.Option("--now", help="Sign with a new key at once, and withdraw the others."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish the next signing key, and list all of them.

    It signs once every validator can know it; the running workers see to that. With a next key
    published already nothing is changed.

    --now is for a key that others may have: every access token signed before is refused, and
    clients get new ones with their refresh tokens. Running workers notice within twice
    AUTH_KEY_CHECK_INTERVAL (a minute), others when they fetch the keys again.
    """

    async def next_or_now(state: Any) -> None:  # noqa: ANN401 - any attribute
        from auth_service.admin.acting import COMMAND_LINE
        from auth_service.audit.actions import Action

        change = state.signing_keys.replace_now if now else state.signing_keys.rotate
        async with state.database.transaction() as db:
            found = await change(db)
            action = Action.KEYS_REPLACED if now else Action.KEYS_ROTATED
            await COMMAND_LINE.record(state.audit, db, action, None)
        show([_row(key) for key in found], as_json=as_json)

    run(next_or_now)


@app.command()
def reencrypt(*, as_json: AsJson = False) -> None:
    """Put everything that is encrypted under the first of AUTH_SECRET_KEYS; list what was not.

    That is the signing keys, the key that seals the record of events, the secrets of webhooks, and
    mail that is on its way.

    To replace a secret: put the new one first, restart, run this; drop the old one once
    AUTH_SESSION_IDLE_TTL has passed. `auth-service keys secrets` says when that is.
    """

    async def under_current_secret(state: Any) -> None:  # noqa: ANN401 - any attribute
        async with state.database.transaction() as db:
            changed = await state.secret_keys.reencrypt(db)
        rows = [{"what": name, "reencrypted": count} for name, count in changed.items() if count]
        show(rows, as_json=as_json)
        if not rows and not as_json:
            typer.echo("everything is under the first of AUTH_SECRET_KEYS already")

    run(under_current_secret)


@app.command()
def secrets(*, as_json: AsJson = False) -> None:
    """List the secrets of AUTH_SECRET_KEYS and those that are needed, by their fingerprints.

    With each: until when it signed, until when a refresh token that was made with it may be good,
    and what in the database is encrypted under it.
    """

    async def list_uses(state: Any) -> None:  # noqa: ANN401 - any attribute
        rows = [
            {
                "fingerprint": use.fingerprint,
                "configured": use.configured,
                "signed_until": moment(use.signed_until),
                "needed_until": moment(use.needed_until),
                "encrypts": list(use.encrypts),
            }
            for use in await state.secret_keys.list_uses()
        ]
        show(rows, as_json=as_json)

    run(list_uses)


@app.command()
def withdraw_secret(
    fingerprint: Annotated[str, typer.Argument(help="As `auth-service keys secrets` lists it.")],
) -> None:
    """Let a secret leave AUTH_SECRET_KEYS before its time: for one that others may have.

    Put a new one first, restart, run `keys reencrypt` and then this; drop the old one and restart.
    Refresh tokens that were made with it are refused from then on.
    """

    async def forget(state: Any) -> None:  # noqa: ANN401 - any attribute
        from auth_service.admin.acting import COMMAND_LINE
        from auth_service.audit.actions import Action

        async with state.database.transaction() as db:
            if not await state.secret_keys.withdraw(db, fingerprint):
                fail(f"no secret with the fingerprint {fingerprint} has signed")
            await COMMAND_LINE.record(
                state.audit, db, Action.SECRET_WITHDRAWN, None, fingerprint=fingerprint
            )

    run(forget)


def _row(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a StoredKey, whose module is loaded late
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": moment(key.created_at),
        "signs_from": moment(key.signs_from),
        "retired_at": moment(key.retired_at),
        "published_until": moment(key.published_until),
    }
