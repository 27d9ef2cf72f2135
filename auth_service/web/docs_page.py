"""The pages for people who read the API: Swagger UI at ``/docs``, Redoc at ``/redoc``.

Both are served whole from files in this package (``scripts/vendor_docs_ui.sh`` puts them there)
under a Content-Security-Policy (CSP level 3) that lets them reach this service and nothing else.
Every address is relative, so that they also work behind a proxy under a path.
"""

import hashlib
import secrets
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from auth_service.web.errors import NotFound

_STATIC: Final = Path(__file__).with_name("static")
_JAVASCRIPT: Final = "text/javascript; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"

# What is served, by name, and nothing else: where it lies in the package, and its media type.
_ASSETS: Final = {
    "docs.css": ("docs.css", _CSS),
    "favicon-32x32.png": ("swagger-ui/favicon-32x32.png", "image/png"),
    "redoc-init.js": ("redoc-init.js", _JAVASCRIPT),
    "redoc.standalone.js": ("redoc/redoc.standalone.js", _JAVASCRIPT),
    "swagger-init.js": ("swagger-init.js", _JAVASCRIPT),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", _JAVASCRIPT),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", _CSS),
}
_ASSET_MAX_AGE: Final = 3600  # seconds; names carry no version, so an upgrade shows within the hour

_HEAD: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" sizes="32x32" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/docs.css">
"""
_SWAGGER_UI: Final = """\
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/swagger-init.js"></script>
</body>
</html>
"""
# Redoc takes the nonce for its style elements from its own script element (see the vendor script),
# where a browser hides it from everything but scripts.
_REDOC: Final = """\
</head>
<body>
<div id="redoc"></div>
<script src="docs/assets/redoc.standalone.js" nonce="{nonce}"></script>
<script src="docs/assets/redoc-init.js"></script>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


def docs_router(title: str) -> APIRouter:
    """The routes ``/docs``, ``/redoc``, ``/docs/assets/{name}`` and ``/openapi.json``.

    The pages have the title, and show the OpenAPI description.
    """
    router = APIRouter(include_in_schema=False)
    head = _HEAD.format(title=escape(title))

    @router.get("/openapi.json")
    async def openapi_document(request: Request) -> JSONResponse:
        return JSONResponse(request.app.openapi())

    @router.get("/docs")
    async def swagger_ui() -> HTMLResponse:
        return _page(head + _SWAGGER_UI, style_source="'self'")

    @router.get("/redoc")
    async def redoc() -> HTMLResponse:
        # Redoc writes style elements of its own; a nonce admits them without 'unsafe-inline'.
        nonce = secrets.token_urlsafe(16)
        page = head + _REDOC.format(nonce=nonce)
        return _page(page, style_source=f"'self' 'nonce-{nonce}'")

    # No coroutine: the first request for a file reads it, and that happens beside the event loop.
    router.get("/docs/assets/{name}")(_send_asset)
    return router


def _page(html: str, *, style_source: str) -> HTMLResponse:
    policy = (
        "default-src 'none'; script-src 'self'; "
        f"style-src {style_source}; "
        "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
    return HTMLResponse(html, headers=headers)


def _send_asset(name: str, request: Request) -> Response:
    if name not in _ASSETS:
        raise NotFound
    asset = _read_asset(name)
    headers = {"Cache-Control": f"public, max-age={_ASSET_MAX_AGE}", "ETag": asset.etag}
    if _is_current(asset.etag, request):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@cache
def _read_asset(name: str) -> _Asset:
    path, media_type = _ASSETS[name]
    content = (_STATIC / path).read_bytes()
    return _Asset(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _is_current(etag: str, request: Request) -> bool:
    """Whether the caller already has this content: weak comparison (RFC 9110 section 13.1.2)."""
    tags = ",".join(request.headers.getlist("if-none-match")).split(",")
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in tags)
