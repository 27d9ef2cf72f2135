"""The one place where the parts are put together."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import FastAPI

from auth_service import __version__
from auth_service.admin.audit_router import router as admin_audit_router
from auth_service.admin.caller import ADMINISTRATOR
from auth_service.admin.clients_router import router as admin_clients_router
from auth_service.admin.keys_router import router as admin_keys_router
from auth_service.admin.sessions_router import router as admin_sessions_router
from auth_service.admin.user_actions_router import router as admin_user_actions_router
from auth_service.admin.users_router import router as admin_users_router
from auth_service.admin.webhooks_router import router as admin_webhooks_router
from auth_service.background import background_work
from auth_service.core.clock import Clock, SystemClock
from auth_service.core.errors import ServiceUnavailable
from auth_service.db import schema
from auth_service.flows.account.history_router import router as history_router
from auth_service.flows.account.router import router as account_router
from auth_service.flows.development.router import own_machine as development_mailbox_router
from auth_service.flows.development.router import router as development_router
from auth_service.flows.email_change.router import router as email_change_router
from auth_service.flows.email_verification.router import router as email_verification_router
from auth_service.flows.login.router import router as login_router
from auth_service.flows.operations.router import metrics_router
from auth_service.flows.operations.router import router as operations_router
from auth_service.flows.password_reset.router import router as password_reset_router
from auth_service.flows.registration.router import router as registration_router
from auth_service.flows.service_tokens.discovery import router as discovery_router
from auth_service.flows.service_tokens.forward_auth import router as forward_auth_router
from auth_service.flows.service_tokens.revocations_router import router as revocations_router
from auth_service.flows.service_tokens.router import router as service_tokens_router
from auth_service.flows.session.router import router as session_router
from auth_service.parts import build_parts
from auth_service.setting_types import DocsAccess
from auth_service.settings import Settings
from auth_service.web.cors import Cors
from auth_service.web.docs_page import docs_router
from auth_service.web.index_page import index_router
from auth_service.web.logging import configure_logging
from auth_service.web.metrics import Metrics
from auth_service.web.middleware import RequestContext, UnexpectedErrors
from auth_service.web.openapi import TAGS, openapi_document, operation_id
from auth_service.web.problem_pages import router as problem_pages_router
from auth_service.web.problems import install_problem_handlers

log = structlog.get_logger()
TITLE: Final = "auth_service"


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
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        openapi_tags=TAGS,
        redirect_slashes=False,
        lifespan=_lifespan,
        generate_unique_id_function=operation_id,
        telemetry={
            "tracing": telemetry,
            "metrics": telemetry,
            "logs": telemetry,
            "auto_configure": telemetry,
        },
    )
    build_parts(app.state, settings, clock or SystemClock())
    metrics: Metrics | None = app.state.metrics
    # The order of the documentation, and of the framework's search for a route.
    app.include_router(account_router)
    app.include_router(history_router)
    app.include_router(email_change_router)
    app.include_router(registration_router)
    app.include_router(login_router)
    app.include_router(session_router)
    app.include_router(email_verification_router)
    app.include_router(password_reset_router)
    app.include_router(forward_auth_router)
    app.include_router(service_tokens_router)
    app.include_router(discovery_router)
    app.include_router(revocations_router)
    app.include_router(admin_users_router)
    app.include_router(admin_user_actions_router)
    app.include_router(admin_sessions_router)
    app.include_router(admin_audit_router)
    app.include_router(admin_clients_router)
    app.include_router(admin_keys_router)
    app.include_router(admin_webhooks_router)
    app.include_router(operations_router)
    if metrics is not None:
        app.include_router(metrics_router(metrics, settings))
    app.include_router(problem_pages_router)
    app.include_router(index_router(settings))
    if settings.docs is not DocsAccess.OFF:
        readers = [ADMINISTRATOR] if settings.docs is DocsAccess.ADMIN else []
        app.include_router(docs_router(TITLE), dependencies=readers)
    if settings.development:
        app.include_router(development_router)
    if settings.has_development_mailbox:
        app.include_router(development_mailbox_router)
    install_problem_handlers(app)
    _surround(app, settings, metrics)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app


def create_worker_app() -> FastAPI:
    """The service as a process of its own runs it.

    Effect: what it is made of is never garbage, so collections no longer look at it.
    """
    app = create_app()
    gc.freeze()
    return app


def _surround(app: FastAPI, settings: Settings, metrics: Metrics | None) -> None:
    """The middleware, innermost first."""
    app.add_middleware(UnexpectedErrors)
    if settings.cors_origins or settings.allowed_origins.loopback:
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
    background = [asyncio.create_task(work) for work in background_work(state)]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await state.mail_sender.aclose()
        await state.webhook_sender.aclose()
        await state.hasher.aclose()
        await state.breached_passwords.aclose()
        await state.rate_limiter.aclose()
        await state.database.close()


async def _prepare(state: Any) -> None:  # noqa: ANN401 - Starlette's State has any attribute
    revision = await schema.current_revision(state.database.engine)
    if not schema.can_serve(revision):
        if state.settings.production:
            raise SchemaNotAtHeadError(
                f"the schema is at {revision or 'nothing'}, this version serves {schema.HEAD}: "
                "run `auth-service migrate`"
            )
        await schema.migrate(state.database.engine)
    await state.signing_keys.ensure()
    await state.secret_keys.note_use()
