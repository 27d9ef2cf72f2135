"""``auth-service serve``: checks, migrates where it may, tells a newcomer where to look, serves."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import structlog
import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from auth_service.app import create_app
from auth_service.cli.listening import bind_sockets, is_loopback
from auth_service.cli.misspellings import unknown_variables
from auth_service.cli.running import fail
from auth_service.db import schema
from auth_service.db.pooler import ensure_no_unexpected_pooler
from auth_service.development_secret import DEVELOPMENT_SECRET_FILE
from auth_service.setting_types import LogFormat
from auth_service.setting_warnings import warnings_of
from auth_service.settings import Settings
from auth_service.web.http_limits import HttpLimits
from auth_service.web.http_protocol import HardenedHttpProtocol
from auth_service.web.logging import configure_logging
from auth_service.web.response_headers import headers_of_every_answer

log = structlog.get_logger()
_KEEP_ALIVE_SECONDS: Final = 65
_STARTUP_FAILURE: Final = 3  # uvicorn's exit code where the application does not start


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
    configure_logging(settings)
    for name in unknown_variables():
        if settings.log_format is LogFormat.JSON:
            log.warning("unknown_setting", name=name)
        else:
            typer.echo(f"auth-service: {name} is no setting of this service", err=True)
    # uvicorn raises the signal anew once it has shut down: to have finished is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listeners = bind_sockets(host, port)
    _refuse_exposed_development(settings, host, listeners)
    _announce(settings, host, port, has_admin=asyncio.run(_prepare(settings)))
    for warning in warnings_of(settings):
        log.warning("dangerous_setting", warning=warning)
    with _shared_metrics(settings):
        _run(settings, listeners)


def _run(settings: Settings, listeners: list[socket.socket]) -> None:
    config = uvicorn.Config(
        "auth_service.app:create_worker_app",
        factory=True,
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
    if settings.workers > 1:
        Multiprocess(config, sockets=listeners).run()
        return
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=listeners)
    if not server.started:
        sys.exit(_STARTUP_FAILURE)


def _refuse_exposed_development(
    settings: Settings, host: str, listeners: list[socket.socket]
) -> None:
    """Keep what only helps a developer, everybody's mail above all, on the developer's machine."""
    if not settings.development or settings.development_exposed:
        return
    if not all(map(is_loopback, listeners)):
        fail(
            f"development listens on this machine only, not on {host}: set "
            "AUTH_ENVIRONMENT=production, or AUTH_DEVELOPMENT_EXPOSED=true, which turns /dev/* off"
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


def _protocol(settings: Settings) -> type[HardenedHttpProtocol]:
    limits = HttpLimits(
        header_timeout=settings.header_timeout.total_seconds(),
        body_timeout=settings.body_timeout.total_seconds(),
        issuer=settings.issuer,
        headers=headers_of_every_answer(settings),
        origins=settings.allowed_origins,
    )
    # uvicorn pickles its configuration for every worker it starts, which a class made on the fly
    # does not survive and a partial application does. All that uvicorn does with it is to call it.
    return cast("type[HardenedHttpProtocol]", partial(HardenedHttpProtocol, limits=limits))


async def _prepare(settings: Settings) -> bool:
    """Bring the schema to where it must be; answer whether there is an administrator."""
    state = create_app(settings).state
    try:
        await ensure_no_unexpected_pooler(state.database.engine)
        revision = await schema.current_revision(state.database.engine)
        if not schema.can_serve(revision):
            if settings.production:
                fail(
                    f"the schema is at {revision or 'nothing'}, this release serves "
                    f"{schema.HEAD}: run `auth-service migrate`"
                )
            await schema.migrate(state.database.engine)
        await state.secret_keys.ensure_none_is_missing()
        await state.signing_keys.ensure()
        async with state.database.transaction() as db:
            return bool(await state.user_administration.exists_admin(db))
    finally:
        await state.hasher.aclose()
        await state.rate_limiter.aclose()
        await state.database.close()


def _announce(settings: Settings, host: str, port: int, *, has_admin: bool) -> None:
    """Tell a newcomer where to look: lines to read, or an event where the log is JSON."""
    if settings.production:
        return
    facts = dict(_facts(settings, _address_to_open(host, port), has_admin=has_admin))
    if settings.log_format is LogFormat.JSON:
        log.info("serving", **{name.lower(): fact for name, fact in facts.items()})
        return
    for name, fact in facts.items():
        typer.echo(f"{name + ':':<8} {fact}")
    typer.echo("Stop:    Ctrl-C")


def _facts(settings: Settings, here: str, *, has_admin: bool) -> Iterator[tuple[str, str]]:
    if not settings.secret_keys:
        yield "Secret", f"made once and kept in {DEVELOPMENT_SECRET_FILE.resolve()}"
    yield "Docs", f"{here}/docs"
    if settings.has_development_mailbox:
        yield "Mail", f"{here}/dev/mailbox"
    if settings.issuer != here:
        yield "Issuer", f"{settings.issuer} (AUTH_ISSUER): what tokens and problems name"
    if not has_admin:
        yield "Admin", f"none yet; {_own_name()} users create you@example.com --role admin"


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
