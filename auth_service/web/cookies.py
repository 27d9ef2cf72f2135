"""Cookies as they stand in a request, and the one that tells a known device."""

from typing import Final, Literal, cast

from fastapi import Request, Response

from auth_service.settings import Settings
from auth_service.web.errors import AmbiguousRequest

DEVICE: Final = "device"
# RFC 6265bis spells it so; Starlette writes what it is given, and types only the lower case.
SAME_SITE: Final = cast("Literal['strict']", "Strict")


def read(request: Request, wanted: str) -> str | None:
    """The cookie's value as it stands (RFC 6265 section 5.4); ours are never quoted.

    The standard library's unquoting, which Starlette uses, takes quadratic time on Python before
    3.11.10 (CVE-2024-7592): one header could hold up a worker for a second.

    Raises:
        AmbiguousRequest: it comes twice; a neighbouring host can add one (RFC 6265 section 8.6).
    """
    values = [
        value
        for line in request.headers.getlist("cookie")
        for found, _, value in (pair.strip().partition("=") for pair in line.split(";"))
        if found == wanted
    ]
    if len(values) > 1:
        raise AmbiguousRequest(f"The cookie {wanted} stands twice.")
    return values[0] if values else None


def device_cookie_name(settings: Settings) -> str:
    """``__Host-device``, or the bare name where cookies may go over plain HTTP."""
    return f"__Host-{DEVICE}" if settings.cookie_secure else DEVICE


def clear_site_data(response: Response) -> None:
    """Have the browser drop what pages of this service's origin have stored.

    Not its cookies: the device cookie is for the next login, and the refresh cookie is cleared by
    name.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def is_cross_site(request: Request, settings: Settings) -> bool:
    """Whether a browser sends the request for a page that may not call this service."""
    site = request.headers.get("sec-fetch-site")
    if site in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return site == "cross-site" or not (
        origin is None
        or origin == settings.issuer_origin
        or settings.allowed_origins.allows(origin)
    )


def put_device(
    request: Request, response: Response, value: str, *, max_age: int, settings: Settings
) -> None:
    """Have the browser keep what it is known by for ``max_age`` seconds.

    Effect: none where another site made it ask: it must not replace what the browser is known by.
    """
    if is_cross_site(request, settings):
        return
    response.set_cookie(
        device_cookie_name(settings),
        value,
        max_age=max_age,
        path="/",
        secure=bool(settings.cookie_secure),
        httponly=True,
        samesite=SAME_SITE,
    )
