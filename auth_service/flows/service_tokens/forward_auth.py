"""``GET /auth/validate``: for nginx ``auth_request``, Traefik forward-auth and Caddy."""

from urllib.parse import quote

from fastapi import APIRouter, Response

from auth_service.identity.current_user import CurrentSession
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.web.problems import problems

router = APIRouter(prefix="/auth", tags=["services"])


@router.get(
    "/validate", status_code=204, response_class=Response, responses=problems(InvalidAccessToken)
)
async def validate(session: CurrentSession, response: Response) -> None:
    """Whether the access token is good right now; who it is, is told in headers.

    `X-Auth-User-Id` (what to know a user by), `X-Auth-Email` (percent-encoded where it is not plain
    ASCII: decode it), `X-Auth-Roles` (comma-separated) and `X-Auth-Session-Id`.
    """
    account = session.account
    response.headers["X-Auth-User-Id"] = str(account.id)
    response.headers["X-Auth-Email"] = header_text(account.email)
    response.headers["X-Auth-Roles"] = ",".join(header_text(role) for role in account.roles)
    response.headers["X-Auth-Session-Id"] = str(session.id)


def header_text(text: str) -> str:
    """Text that a header field can carry: percent-encoded where it is not plain ASCII.

    A percent sign is no plain text either: two addresses never look alike once encoded.
    """
    plain = text.isascii() and text.isprintable() and "%" not in text
    return text if plain else quote(text, safe="@")
