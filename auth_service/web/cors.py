"""Cross-origin requests (the Fetch standard's CORS protocol)."""

from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_service.setting_types import LOOPBACK_ORIGIN
from auth_service.settings import Settings
from auth_service.web.errors import OriginNotAllowed
from auth_service.web.problems import problem_response

log = structlog.get_logger()
EXPOSED_HEADERS: Final = (
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)


class Cors(CORSMiddleware):
    """Cross-origin requests from the allowed origins; a refused preflight is a problem, too."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_origin_regex=(
                LOOPBACK_ORIGIN.pattern if settings.allowed_origins.loopback else None
            ),
            # The wildcard, which production refuses, never goes together with credentials.
            allow_credentials="*" not in settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "X-Request-ID"],
            expose_headers=EXPOSED_HEADERS,
        )
        self._hints = settings.development

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; a preflight is answered here."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                await self._preflight(scope, headers)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _preflight(self, scope: Scope, headers: Headers) -> Response:
        response = self.preflight_response(headers)
        if response.status_code == 200:  # noqa: PLR2004 - a preflight is granted with just this
            return response
        origin = headers["origin"]
        if self._hints and not self.is_allowed_origin(origin):
            log.warning("origin_not_allowed", origin=origin, hint=f"AUTH_CORS_ORIGINS={origin}")
        return problem_response(scope, OriginNotAllowed())
