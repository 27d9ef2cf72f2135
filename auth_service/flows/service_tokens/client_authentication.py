"""Which client calls (RFC 6749 section 2.3): one with a secret, or none."""

import base64
import binascii
from typing import Final
from urllib.parse import unquote_plus

import structlog
from fastapi import Request

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.service import Audit
from auth_service.clients.client import StoredClient
from auth_service.clients.errors import InvalidClient
from auth_service.clients.service import ServiceClients
from auth_service.db.session import Database
from auth_service.flows.service_tokens.errors import InvalidTokenRequest
from auth_service.flows.service_tokens.schemas import ClientForm
from auth_service.sessions.service import PEOPLE_CLIENT_ID
from auth_service.web.client_ip import network_key
from auth_service.web.dependencies import get_client as get_caller
from auth_service.web.rate_limit import RateLimiter

log = structlog.get_logger()

_NO_CLIENT: Final = ("", "")
_NOT_CREDENTIALS: Final = ("?", "")


async def find_client(
    request: Request, form: ClientForm, *, ignore_bearer: bool = False
) -> StoredClient | None:
    """The service client that the request is authenticated as; None where it names none.

    People's tokens are of a public client (`auth-service`), which has no secret and so is none
    here. An empty Basic pair, as Swagger UI sends it, means no client either, and with
    ``ignore_bearer`` neither does a bearer token, which HTTP clients add by themselves.

    Raises:
        InvalidClient: it names a client that does not exist, or with a wrong secret.
        InvalidTokenRequest: it carries credentials in two places (RFC 6749 section 2.3).
    """
    headers = request.headers.getlist("authorization")
    if ignore_bearer:
        headers = [header for header in headers if not header.lower().startswith("bearer ")]
    by_header = _basic_pair(headers)
    by_form = (form.client_id or "", form.client_secret or "")
    if by_header != _NO_CLIENT and form.client_secret:
        raise InvalidTokenRequest("The client's credentials stand in two places.")
    client_id, secret = by_form if by_header == _NO_CLIENT else by_header
    if by_header != _NO_CLIENT and form.client_id not in {None, "", client_id}:
        client_id, secret = _NOT_CREDENTIALS
    if client_id in {"", PEOPLE_CLIENT_ID} and not secret:
        return None
    clients: ServiceClients = request.app.state.service_clients
    try:
        return await clients.authenticate(client_id, secret)
    except InvalidClient:
        await _note_refusal(request, await clients.find(client_id))
        raise


async def get_client(request: Request, form: ClientForm) -> StoredClient:
    """The service client that the request is authenticated as.

    Raises:
        InvalidClient: it is authenticated as none.
        InvalidTokenRequest: it carries credentials in two places.
    """
    client = await find_client(request, form)
    if client is None:
        raise InvalidClient
    return client


async def _note_refusal(request: Request, named: StoredClient | None) -> None:
    """Write down that somebody was not the client they named, as often as ``refusal`` allows."""
    limiter: RateLimiter = request.app.state.rate_limiter
    caller = await get_caller(request)
    if not await limiter.admits("refusal", f"client {network_key(caller.ip)}"):
        return
    log.warning("client_refused", client_id=str(named.id) if named else None)
    database: Database = request.app.state.database
    audit: Audit = request.app.state.audit
    async with database.transaction() as db:
        await audit.record(
            db,
            Action.CLIENT_AUTHENTICATION,
            subject=None,
            client=caller,
            client_id=named.id if named else None,
            outcome=Outcome.FAILURE,
            route=request.scope["route"].path,
        )


def _basic_pair(headers: list[str]) -> tuple[str, str]:
    """The id and the secret of HTTP Basic, each form-encoded within (RFC 6749 section 2.3.1)."""
    if not headers:
        return _NO_CLIENT
    scheme, _, encoded = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "basic":
        return _NOT_CREDENTIALS
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return _NOT_CREDENTIALS
    client_id, colon, secret = pair.partition(":")
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else _NOT_CREDENTIALS
