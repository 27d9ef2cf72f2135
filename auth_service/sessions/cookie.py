"""The refresh token as a cookie, and the rule for requests that are authenticated by it."""

from typing import Final

import structlog
from fastapi import Request, Response

from auth_service.sessions.errors import CsrfRejected
from auth_service.sessions.refresh_token import RawRefreshToken
from auth_service.settings import Settings
from auth_service.web import cookies

log = structlog.get_logger()
NAME: Final = "refresh_token"
_PATH: Final = "/auth"


def name(settings: Settings) -> str:
    """``__Secure-refresh_token``, or the bare name where cookies may go over plain HTTP."""
    return f"__Secure-{NAME}" if settings.cookie_secure else NAME


def find(request: Request, settings: Settings) -> str | None:
    """The refresh token that the request's cookie carries.

    Raises:
        CsrfRejected: there is one, but the request may have been made by another site.
    """
    token = cookies.read(request, name(settings))
    if token is None:
        return None
    if not may_be_used(request, settings):
        log.warning("csrf_rejected", origin=request.headers.get("origin"))
        raise CsrfRejected
    return token


def find_of_own_page(request: Request, settings: Settings) -> str | None:
    """The same, but None where another site may have made the request."""
    token = cookies.read(request, name(settings))
    return token if may_be_used(request, settings) else None


def put(response: Response, token: RawRefreshToken, *, max_age: int, settings: Settings) -> None:
    """Have the browser keep the token for ``max_age`` seconds, out of reach of any script."""
    response.set_cookie(
        name(settings),
        token,
        max_age=max_age,
        path=_PATH,
        secure=bool(settings.cookie_secure),
        httponly=True,
        samesite=cookies.SAME_SITE,
    )


def clear(request: Request, response: Response, settings: Settings) -> None:
    """Have the browser forget the token, unless another site made it ask.

    A ``SameSite=Strict`` cookie does not come with another site's request, so such a request looks
    like one without a cookie; its answer must not take the cookie away either.
    """
    if _names_a_place(request) and not may_be_used(request, settings):
        return
    response.delete_cookie(
        name(settings),
        path=_PATH,
        secure=bool(settings.cookie_secure),
        httponly=True,
        samesite=cookies.SAME_SITE,
    )


def _names_a_place(request: Request) -> bool:
    """Whether a browser says where the request comes from, which programs do not."""
    return "origin" in request.headers or "sec-fetch-site" in request.headers


def may_be_used(request: Request, settings: Settings) -> bool:
    """Whether the request comes from where the cookie is honoured."""
    if request.headers.get("sec-fetch-site") == "same-origin":
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return origin == settings.issuer_origin or settings.allowed_origins.allows(origin)
