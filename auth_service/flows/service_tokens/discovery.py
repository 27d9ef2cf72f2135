"""``/.well-known``: what another service needs to know to trust our tokens."""

import hashlib
import json
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from auth_service.tokens.service import AccessTokens
from auth_service.web.dependencies import AppSettings
from auth_service.web.problems import problems

router = APIRouter(prefix="/.well-known", tags=["services"])
_METADATA_SECONDS: Final = 300
_WITH_SECRET: Final = ["client_secret_basic", "client_secret_post"]
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Not modified"}}


class Jwk(BaseModel):
    """A public key (RFC 7517); the members depend on its type."""

    model_config = ConfigDict(extra="allow")

    kty: str
    kid: str
    alg: str
    use: str


class JwkSet(BaseModel):
    """The keys that access tokens are verified with."""

    keys: list[Jwk]


class ServerMetadata(BaseModel):
    """What this authorization server can do (RFC 8414 section 2)."""

    issuer: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str


@router.get(
    "/jwks.json",
    response_model=JwkSet,
    responses={**_NOT_MODIFIED, **problems()},
)
async def get_jwks(request: Request, settings: AppSettings) -> Response:
    """The public keys that access tokens are verified with.

    Cache them for as long as `Cache-Control` says: a new key is among them for longer than that
    before it signs. Look again when a token names a `kid` that is not among them.
    """
    access_tokens: AccessTokens = request.app.state.access_tokens
    seconds = int(settings.jwks_cache_ttl.total_seconds())
    return _cacheable(await access_tokens.jwks(), request, seconds)


@router.get("/oauth-authorization-server", response_model=ServerMetadata, responses=_NOT_MODIFIED)
async def get_authorization_server_metadata(request: Request, settings: AppSettings) -> Response:
    """Where the endpoints are, and what they support (RFC 8414)."""
    metadata = ServerMetadata(
        issuer=settings.issuer,
        token_endpoint=f"{settings.issuer}/oauth/token",
        jwks_uri=f"{settings.issuer}/.well-known/jwks.json",
        introspection_endpoint=f"{settings.issuer}/oauth/introspect",
        revocation_endpoint=f"{settings.issuer}/oauth/revoke",
        grant_types_supported=[
            *(["password"] if settings.password_grant else []),
            "refresh_token",
            "client_credentials",
        ],
        response_types_supported=[],
        token_endpoint_auth_methods_supported=["none", *_WITH_SECRET],
        introspection_endpoint_auth_methods_supported=_WITH_SECRET,
        revocation_endpoint_auth_methods_supported=["none", *_WITH_SECRET],
        service_documentation=f"{settings.issuer}/docs",
    )
    return _cacheable(metadata.model_dump(), request, _METADATA_SECONDS)


@router.get("/openid-configuration", response_model=ServerMetadata, responses=_NOT_MODIFIED)
async def get_openid_configuration(request: Request, settings: AppSettings) -> Response:
    """The same, at the address that many libraries ask first."""
    return await get_authorization_server_metadata(request, settings)


def _cacheable(document: dict[str, Any], request: Request, seconds: int) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={seconds}", "ETag": etag}
    known = request.headers.get("if-none-match", "")
    if etag in known or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
