"""Cookies as they stand in a request, and the one that tells a known device."""

from typing import Final, Literal, cast

from fastapi import Request, Response

from auth_service.settings import Settings

DEVICE: Final = "device"
# RFC 6265bis spells it so; Starlette writes what it is given, and types only the lower case.
SAME_SITE: Final = cast("Literal['strict']", "Strict")


def read(request: Request, wanted: str) -> str | None:
    """The cookie's value as it stands (RFC 6265 section 5.4); ours are never quoted.

    The standard library's unquoting, which Starlette uses, takes quadratic time on Python before
    3.11.10 (CVE-2024-7592): one header could hold up a worker for a second.
    """
    for line in request.headers.getlist("cookie"):
        for pair in line.split(";"):
            found, _, value = pair.strip().partition("=")
            if found == wanted:
                return value
    return None


def device_cookie_name(settings: Settings) -> str:
    """``__Host-device``, or the bare name where cookies may go over plain HTTP."""
    return f"__Host-{DEVICE}" if settings.cookie_secure else DEVICE


def put_device(response: Response, value: str, *, max_age: int, settings: Settings) -> None:
    """Have the browser keep what it is known by for ``max_age`` seconds."""
    response.set_cookie(
        device_cookie_name(settings),
        value,
        max_age=max_age,
        path="/",
        secure=bool(settings.cookie_secure),
        httponly=True,
        samesite=SAME_SITE,
    )
