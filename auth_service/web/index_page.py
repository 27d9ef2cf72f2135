"""``GET /``: what this address is, and where to go from here."""

from collections.abc import Iterator
from html import escape
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from auth_service.setting_types import DocsAccess
from auth_service.settings import Settings

_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<main><h1>{title}</h1><p>This is an authentication service.</p><ul>{links}</ul></main></html>"
)


def index_router(settings: Settings) -> APIRouter:
    """The route ``/``: links to what there is; to the documentation where everybody may read it."""
    router = APIRouter(include_in_schema=False)
    links = "".join(
        f'<li><a href="{address}">{escape(text)}</a></li>' for address, text in _links(settings)
    )
    page = _PAGE.format(title=escape(settings.brand_name), links=links)

    @router.get("/")
    async def get_index() -> HTMLResponse:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    return router


def _links(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.docs is DocsAccess.ON:
        yield "docs", "API documentation (Swagger UI)"
        yield "redoc", "API reference (Redoc)"
    yield ".well-known/oauth-authorization-server", "Authorization server metadata (RFC 8414)"
    yield ".well-known/jwks.json", "Public keys that sign access tokens (RFC 7517)"
    yield "problems", "Every error of this service"
    yield "healthz", "Health"
    yield "readyz", "Readiness"
    if settings.has_development_mailbox:
        yield "dev/mailbox", "Development mailbox"
