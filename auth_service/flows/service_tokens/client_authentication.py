"""Which client calls (RFC 6749 section 2.3.1): none, so far as this endpoint's grants need one."""

import base64
import binascii
from typing import Final

from auth_service.flows.service_tokens.errors import InvalidClient
from auth_service.flows.service_tokens.schemas import TokenRequest
from auth_service.sessions.service import PEOPLE_CLIENT_ID

_NO_CLIENT: Final = b":"


def refuse_unknown_client(authorization: str | None, form: TokenRequest) -> None:
    """Let requests through that name no client, or the public one that people's tokens carry.

    An empty Basic pair, as Swagger UI sends it, means no client.

    Raises:
        InvalidClient: they name another, or carry a secret.
    """
    if authorization is not None and _basic_pair(authorization) != _NO_CLIENT:
        raise InvalidClient
    if form.client_secret or form.client_id not in {None, "", PEOPLE_CLIENT_ID}:
        raise InvalidClient


def _basic_pair(authorization: str) -> bytes | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
