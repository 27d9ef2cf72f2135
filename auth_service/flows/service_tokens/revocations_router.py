"""``GET /.well-known/revocations``: what validators that do not ask have to refuse."""

import hashlib
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from auth_service.clients.errors import InvalidClient
from auth_service.core.errors import ValidationFailed
from auth_service.flows.service_tokens.client_authentication import get_client
from auth_service.flows.service_tokens.errors import InsufficientScope
from auth_service.flows.service_tokens.revocation_list import RevocationList, RevocationPage
from auth_service.flows.service_tokens.schemas import ClientForm
from auth_service.web.problems import problems

router = APIRouter(prefix="/.well-known", tags=["services"])
SCOPE: Final = "revocations"
_MAXIMUM_CURSOR: Final = 64


class RevokedUser(BaseModel):
    """Somebody whose tokens are refused that were issued at `not_before` (`iat`) or earlier."""

    id: UUID
    not_before: Annotated[int, Field(description="Seconds since 1970.")]


class Revocations(BaseModel):
    """What to refuse, of tokens that have not expired. An entry may come more than once."""

    sessions: Annotated[list[UUID], Field(description="Refuse tokens with this `sid`.")]
    users: Annotated[list[RevokedUser], Field(description="Refuse tokens with this `sub`.")]
    clients: Annotated[list[UUID], Field(description="Refuse tokens with this `client_id`.")]
    tokens: Annotated[list[str], Field(description="Refuse the token with this `jti`.")]
    keep_seconds: Annotated[int, Field(description="After so long an entry may be forgotten.")]
    cursor: Annotated[str, Field(description="Where the next request goes on.")]
    more: Annotated[bool, Field(description="Whether there is more already: ask again at once.")]

    @classmethod
    def of(cls, page: RevocationPage) -> "Revocations":
        """The answer for a part of the list."""
        by_kind: dict[str, list[str]] = {"session": [], "client": [], "token": []}
        users = []
        for entry in page.entries:
            if entry.kind == "user":
                seconds = int(entry.at.timestamp())
                users.append(RevokedUser(id=UUID(entry.value), not_before=seconds))
            else:
                by_kind[entry.kind].append(entry.value)
        return cls(
            sessions=[UUID(value) for value in by_kind["session"]],
            users=users,
            clients=[UUID(value) for value in by_kind["client"]],
            tokens=by_kind["token"],
            keep_seconds=int(page.keep.total_seconds()),
            cursor=page.cursor,
            more=page.more,
        )


@router.get(
    "/revocations",
    response_model=Revocations,
    responses={
        304: {"description": "Not modified"},
        **problems(InvalidClient, InsufficientScope, ValidationFailed),
    },
)
async def list_revocations(
    request: Request,
    cursor: Annotated[
        str | None,
        Query(max_length=_MAXIMUM_CURSOR, description="`cursor` of the answer before this one."),
    ] = None,
) -> Response:
    """What was revoked within the life of an access token: for services that validate offline.

    For service clients with the scope `revocations`, by HTTP Basic. Ask every few seconds with the
    `cursor` of the last answer and its `ETag`, and refuse what is listed.
    """
    client = await get_client(request, ClientForm())
    if SCOPE not in client.scopes:
        raise InsufficientScope
    revocations: RevocationList = request.app.state.revocation_list
    body = Revocations.of(await revocations.read(cursor)).model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
