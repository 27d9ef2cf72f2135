"""``/admin/clients``: services that get tokens in their own name."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from auth_service.admin.acting import Acting
from auth_service.admin.caller import ADMINISTRATOR, RECENTLY_LOGGED_IN, Administrator
from auth_service.admin.clients_schemas import (
    ClientPage,
    ClientSecretAnswer,
    NewClientRequest,
    NewSecretRequest,
)
from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.clients.errors import ClientNotFound
from auth_service.clients.service import ServiceClients
from auth_service.core.errors import ValidationFailed
from auth_service.identity.errors import Forbidden, InsufficientUserAuthentication
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.dependencies import Client, RequestTransaction
from auth_service.web.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from auth_service.web.pagination import Paging
from auth_service.web.problems import problems
from auth_service.web.rate_limit import RateLimited
from auth_service.web.strict_requests import JsonRoute

router = APIRouter(
    prefix="/admin/clients",
    tags=["administration"],
    route_class=JsonRoute,
    dependencies=[ADMINISTRATOR],
)


async def get_clients(request: Request) -> ServiceClients:
    """The use cases of service clients."""
    clients: ServiceClients = request.app.state.service_clients
    return clients


Clients = Annotated[ServiceClients, Depends(get_clients)]


@router.get("", responses=problems(InvalidAccessToken, Forbidden, ValidationFailed, RateLimited))
async def list_clients(db: RequestTransaction, clients: Clients, asked: Paging) -> ClientPage:
    """The service clients, in the order they were made; never a secret."""
    found = await clients.list_page(db, after=asked.after, limit=asked.rows_to_read)
    return ClientPage.of(found, asked)


@router.post(
    "",
    status_code=201,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        MalformedBody,
        InvalidAccessToken,
        InsufficientUserAuthentication,
        Forbidden,
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        RateLimited,
    ),
)
async def create_client(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    body: NewClientRequest,
    admin: Administrator,
    db: RequestTransaction,
    clients: Clients,
    client: Client,
) -> ClientSecretAnswer:
    """Make a service client. Its secret is in this answer and never to be had again.

    Needs a login of the last ten minutes.
    """
    made = await clients.create(db, body.name, body.scopes)
    by = Acting.of(admin, client)
    details = {"name": made.client.name, "scopes": made.client.scopes}
    audit: Audit = request.app.state.audit
    await by.record(audit, db, Action.CLIENT_CREATED, None, client_id=made.client.id, **details)
    return ClientSecretAnswer.of(made)


@router.delete(
    "/{client_id}",
    status_code=204,
    response_class=Response,
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        InvalidAccessToken,
        InsufficientUserAuthentication,
        Forbidden,
        ClientNotFound,
        ValidationFailed,
        RateLimited,
    ),
)
async def delete_client(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    client_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    clients: Clients,
    client: Client,
) -> None:
    """Delete a service client: it gets no more tokens, and introspection refuses those it has.

    Whoever validates tokens without asking accepts them until they expire. Needs a login of the
    last ten minutes.
    """
    await clients.remove(db, client_id)
    audit: Audit = request.app.state.audit
    by = Acting.of(admin, client)
    await by.record(audit, db, Action.CLIENT_DELETED, None, client_id=client_id)


@router.post(
    "/{client_id}/secret",
    dependencies=[RECENTLY_LOGGED_IN],
    responses=problems(
        MalformedBody,
        InvalidAccessToken,
        InsufficientUserAuthentication,
        Forbidden,
        ClientNotFound,
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        RateLimited,
    ),
)
async def change_client_secret(  # noqa: PLR0913, PLR0917 - what a route needs, it names
    request: Request,
    client_id: UUID,
    admin: Administrator,
    db: RequestTransaction,
    clients: Clients,
    client: Client,
    body: NewSecretRequest | None = None,
) -> ClientSecretAnswer:
    """Give a service client a new secret, which is shown this once.

    The one in use stays good until the next change, so that the service can be given the new one
    in peace; with `end_previous` every older one is refused at once. Needs a login of the last ten
    minutes.
    """
    keep_previous = body is None or not body.end_previous
    changed = await clients.change_secret(db, client_id, keep_previous=keep_previous)
    audit: Audit = request.app.state.audit
    await Acting.of(admin, client).record(
        audit,
        db,
        Action.CLIENT_SECRET_CHANGED,
        None,
        client_id=client_id,
        previous_kept=keep_previous,
    )
    return ClientSecretAnswer.of(changed)
