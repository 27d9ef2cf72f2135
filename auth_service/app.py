"""The one place where the parts are put together."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from auth_service import __version__
from auth_service.admin.service import UserAdministration
from auth_service.core.clock import Clock, SystemClock
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.periodic import every
from auth_service.core.secrets import Keyring
from auth_service.db import schema
from auth_service.db.session import Database
from auth_service.flows.account.router import router as account_router
from auth_service.flows.development.router import router as development_router
from auth_service.flows.login.router import router as login_router
from auth_service.flows.login.service import Login
from auth_service.flows.operations.router import metrics_router
from auth_service.flows.operations.router import router as operations_router
from auth_service.flows.operations.service import Operations
from auth_service.flows.registration.router import router as registration_router
from auth_service.flows.registration.service import Registrations
from auth_service.flows.service_tokens.discovery import router as discovery_router
from auth_service.flows.service_tokens.forward_auth import router as forward_auth_router
from auth_service.flows.service_tokens.router import router as service_tokens_router
from auth_service.flows.session.router import router as session_router
from auth_service.flows.session.service import SessionFlow
from auth_service.mail.composing import Composer
from auth_service.mail.mailbox import DevelopmentMailbox
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import Sender
from auth_service.mail.transport import transport_of
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.policy import PasswordPolicy
from auth_service.sessions.service import Sessions
from auth_service.settings import Settings
from auth_service.tokens.keys import SigningKeys
from auth_service.tokens.service import AccessTokens
from auth_service.web.docs_page import docs_router
from auth_service.web.logging import configure_logging
from auth_service.web.metrics import Metrics
from auth_service.web.middleware import Cors, RequestContext, UnexpectedErrors
from auth_service.web.openapi import (
    FIELD_PROBLEM_SCHEMA,
    PROBLEM_SCHEMA,
    TAGS,
    drop_what_never_happens,
)
from auth_service.web.problem_pages import router as problem_pages_router
from auth_service.web.problems import install_problem_handlers
from auth_service.web.rate_limit import RateLimiter

log = structlog.get_logger()
TITLE: Final = "auth_service"
_MAIL_POLL: Final = timedelta(seconds=1)  # what this worker puts is sent sooner: it is woken
_MAIL_CLEARING: Final = timedelta(minutes=10)


class SchemaNotAtHeadError(RuntimeError):
    """The database's schema is another than this version serves."""


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """The service as an ASGI application; connects to nothing before it is started.

    Raises:
        SettingsError: ``settings`` was left out and the environment's cannot be used, or
            ``AUTH_MAIL_TEMPLATES`` has a template that cannot be used.
    """
    settings = (settings or Settings.load()).with_secret()
    telemetry = settings.telemetry
    app = FastAPI(
        title=TITLE,
        summary="Register, log in, stay logged in: an authentication service.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_tags=TAGS,
        redirect_slashes=False,
        lifespan=_lifespan,
        generate_unique_id_function=_operation_id,
        telemetry={
            "tracing": telemetry,
            "metrics": telemetry,
            "logs": telemetry,
            "auto_configure": telemetry,
        },
    )
    metrics = _build_parts(app, settings, clock or SystemClock())
    # The order of the documentation, and of the framework's search for a route.
    app.include_router(account_router)
    app.include_router(registration_router)
    app.include_router(login_router)
    app.include_router(session_router)
    app.include_router(forward_auth_router)
    app.include_router(service_tokens_router)
    app.include_router(discovery_router)
    app.include_router(operations_router)
    if metrics is not None:
        app.include_router(metrics_router(metrics, settings))
    app.include_router(problem_pages_router)
    app.include_router(docs_router(TITLE))
    if settings.development:
        app.include_router(development_router)
    install_problem_handlers(app)
    _surround(app, settings, metrics)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _build_parts(app: FastAPI, settings: Settings, clock: Clock) -> Metrics | None:
    """Everything that lives as long as the app, each part given what it stands on."""
    keyring = Keyring.of(settings.secret_keys)
    database = Database.from_settings(settings)
    rate_limiter = RateLimiter(settings)
    hasher = PasswordHasher.of(settings)
    signing_keys = SigningKeys(database=database, keyring=keyring, clock=clock, settings=settings)
    access_tokens = AccessTokens(keys=signing_keys, clock=clock, settings=settings)
    sessions = Sessions(
        database=database,
        access_tokens=access_tokens,
        keyring=keyring,
        clock=clock,
        settings=settings,
    )
    state = app.state
    state.settings = settings
    state.database = database
    state.rate_limiter = rate_limiter
    state.hasher = hasher
    state.signing_keys = signing_keys
    state.access_tokens = access_tokens
    state.sessions = sessions
    state.session_flow = SessionFlow(sessions)
    state.login = Login(
        database=database,
        hasher=hasher,
        sessions=sessions,
        keyring=keyring,
        clock=clock,
        settings=settings,
    )
    state.registrations = Registrations(
        hasher=hasher, policy=PasswordPolicy.of(settings), clock=clock, settings=settings
    )
    state.user_administration = UserAdministration(sessions=sessions, clock=clock)
    state.operations = Operations(
        database=database,
        signing_keys=signing_keys,
        rate_limiter=rate_limiter,
        settings=settings,
    )
    metrics = Metrics() if settings.metrics_token is not None else None
    state.outbox = Outbox(keyring=keyring, clock=clock)
    state.mail_sender = Sender(
        database=database,
        keyring=keyring,
        clock=clock,
        composer=Composer.of(settings),
        transport=transport_of(settings),
        filled=state.outbox.filled,
        metrics=metrics,
        keeps_payloads=settings.development,
    )
    state.mailbox = DevelopmentMailbox(
        database=database, keyring=keyring, composer=state.mail_sender.composer
    )
    return metrics


def _surround(app: FastAPI, settings: Settings, metrics: Metrics | None) -> None:
    """The middleware, innermost first."""
    app.add_middleware(UnexpectedErrors)
    if settings.cors_origins:
        app.add_middleware(Cors, settings=settings)
    app.add_middleware(RequestContext, settings=settings, metrics=metrics)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Check the schema, read the keys, serve, close what was opened.

    A database that is away is no reason for a worker not to start, since one that died during an
    outage has to be replaced: `/readyz` says so, and requests get 503 until it is back. (`serve`
    itself asks for the database first: a wrong address should be noticed.)
    """
    state = app.state
    configure_logging(state.settings)
    try:
        await _prepare(state)
    except ServiceUnavailable:
        log.warning("started_without_database")
    background = [asyncio.create_task(work) for work in _work_beside_requests(state)]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await state.mail_sender.aclose()
        await state.hasher.aclose()
        await state.rate_limiter.aclose()
        await state.database.close()


def _work_beside_requests(state: Any) -> list[Coroutine[Any, Any, None]]:  # noqa: ANN401 - Starlette's State has any attribute
    keys, sender = state.signing_keys, state.mail_sender
    return [
        every(state.settings.key_check_interval, "signing keys", keys.look_again),
        every(_MAIL_POLL, "mail", sender.send_due, woken=state.outbox.filled),
        every(_MAIL_CLEARING, "sent mail", sender.clear_away),
    ]


async def _prepare(state: Any) -> None:  # noqa: ANN401 - Starlette's State has any attribute
    revision = await schema.current_revision(state.database.engine)
    if revision != schema.HEAD:
        if state.settings.production:
            raise SchemaNotAtHeadError(
                f"the schema is at {revision or 'nothing'}, this version serves {schema.HEAD}: "
                "run `auth-service migrate`"
            )
        await schema.migrate(state.database.engine)
    await state.signing_keys.ensure()


def _operation_id(route: APIRoute) -> str:
    """Handlers are named as a generated client's methods should be."""
    return route.name


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, generated once, with the schema of problems that routes refer to."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = document["components"]["schemas"]
        schemas.update(Problem=PROBLEM_SCHEMA, FieldProblem=FIELD_PROBLEM_SCHEMA)
        drop_what_never_happens(document)
        app.openapi_schema = document
    return app.openapi_schema
