"""``auth-service serve``: checks, migrates where it may, tells a newcomer where to look, serves."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import typer
import uvicorn

from auth_service.app import create_app
from auth_service.cli.misspellings import unknown_variables
from auth_service.cli.running import fail
from auth_service.db import schema
from auth_service.development_secret import DEVELOPMENT_SECRET_FILE
from auth_service.settings import Settings
from auth_service.web.http_limits import HttpLimits
from auth_service.web.http_protocol import HardenedHttpProtocol
from auth_service.web.logging import configure_logging

_KEEP_ALIVE_SECONDS: Final = 65


def serve(*, host: str, port: int, workers: int | None) -> None:
    """Serve until stopped.

    Raises:
        SettingsError: the settings cannot be used.
        ServiceUnavailable: the database cannot be reached.
        UndecryptableError: none of the secrets opens the signing key.
    """
    settings = Settings.load() if workers is None else Settings.load(workers=workers)
    # Worker processes read the settings again, and have to come to the same ones.
    os.environ["AUTH_WORKERS"] = str(settings.workers)
    for name in unknown_variables():
        typer.echo(f"auth-service: {name} is no setting of this service", err=True)
    configure_logging(settings)
    # uvicorn raises the signal anew once it has shut down: to have finished is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _refuse_unusable_address(host, port)
    _announce(settings, host, port, has_admin=asyncio.run(_prepare(settings)))
    with _shared_metrics(settings):
        _run(settings, host, port)


def _run(settings: Settings, host: str, port: int) -> None:
    uvicorn.run(
        "auth_service.app:create_worker_app",
        factory=True,
        host=host,
        port=port,
        workers=settings.workers,
        loop="uvloop",
        http=_protocol(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(settings.shutdown_timeout.total_seconds()),
    )


@contextmanager
def _shared_metrics(settings: Settings) -> Iterator[None]:
    """Give several workers a folder where prometheus_client leaves their counts for one another."""
    if settings.metrics_token and settings.workers > 1:
        with TemporaryDirectory(prefix="auth-service-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            yield
    else:
        yield


def _refuse_unusable_address(host: str, port: int) -> None:
    """Say in one line what uvicorn would find out only after everything has been started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        fail(f"cannot listen on {host} port {port}: {fault.strerror}")


def _protocol(settings: Settings) -> type[HardenedHttpProtocol]:
    limits = HttpLimits(
        header_timeout=settings.header_timeout.total_seconds(),
        body_timeout=settings.body_timeout.total_seconds(),
        issuer=settings.issuer,
    )
    # uvicorn pickles its configuration for every worker it starts, which a class made on the fly
    # does not survive and a partial application does. All that uvicorn does with it is to call it.
    return cast("type[HardenedHttpProtocol]", partial(HardenedHttpProtocol, limits=limits))


async def _prepare(settings: Settings) -> bool:
    """Bring the schema to where it must be; answer whether there is an administrator."""
    state = create_app(settings).state
    try:
        revision = await schema.current_revision(state.database.engine)
        if not schema.can_serve(revision):
            if settings.production:
                fail(
                    f"the schema is at {revision or 'nothing'}, this release serves "
                    f"{schema.HEAD}: run `auth-service migrate`"
                )
            await schema.migrate(state.database.engine)
        await state.signing_keys.ensure()
        async with state.database.transaction() as db:
            return bool(await state.user_administration.exists_admin(db))
    finally:
        await state.hasher.aclose()
        await state.rate_limiter.aclose()
        await state.database.close()


def _announce(settings: Settings, host: str, port: int, *, has_admin: bool) -> None:
    if settings.production:
        return
    if not settings.secret_keys:
        typer.echo(f"Secret:  made once and kept in {DEVELOPMENT_SECRET_FILE.resolve()}")
    here = _address_to_open(host, port)
    typer.echo(f"Docs:    {here}/docs")
    if settings.development:
        typer.echo(f"Mail:    {here}/dev/mailbox")
    if settings.issuer != here:
        typer.echo(f"Issuer:  {settings.issuer} (AUTH_ISSUER): what tokens and problems name")
    if not has_admin:
        typer.echo(f"Admin:   none yet; {_own_name()} users create you@example.com --role admin")
    typer.echo("Stop:    Ctrl-C")


def _address_to_open(host: str, port: int) -> str:
    """Where a browser on this machine finds the service."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not to bind to
    return (
        f"http://[{name}]:{port}"
        if ":" in name and not name.startswith("[")
        else f"http://{name}:{port}"
    )


def _own_name() -> str:
    """How to call this program from here."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{sys.executable} -m auth_service"
    if not program.exists():
        return "auth-service"
    absolute = program.resolve().parent / program.name
    return os.path.relpath(absolute) if absolute.is_relative_to(Path.cwd()) else str(absolute)
