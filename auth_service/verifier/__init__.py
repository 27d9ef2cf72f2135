"""Access tokens verified in any Python service, strictly (RFC 9068 section 4).

    from auth_service.verifier import TokenVerifier

    verifier = TokenVerifier(issuer="https://auth.example.com", audience="https://api.example.com")
    claims = await verifier.verify(token)

It stands alone: it imports nothing else of this package, no web framework and no database. What
needs an HTTP client is imported when it is asked for: the service itself uses the strict check
only.
"""

from typing import TYPE_CHECKING

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.errors import (
    IntrospectionUnavailableError,
    InvalidTokenError,
    IssuerUnavailableError,
    KeysUnavailableError,
    RevocationsUnavailableError,
)

__all__ = [
    "AccessClaims",
    "ClientCredentials",
    "IntrospectionUnavailableError",
    "InvalidTokenError",
    "InvalidWebhookError",
    "IssuerUnavailableError",
    "KeysUnavailableError",
    "RevocationFeed",
    "RevocationsUnavailableError",
    "TokenVerifier",
    "verify_webhook",
]

from auth_service.verifier.webhooks import InvalidWebhookError, verify_webhook

if TYPE_CHECKING:
    from auth_service.verifier.introspection import ClientCredentials
    from auth_service.verifier.revocations import RevocationFeed
    from auth_service.verifier.token_verifier import TokenVerifier
else:

    def __getattr__(name: str) -> object:
        """Import what a service uses on first use (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from auth_service.verifier import token_verifier

        return getattr(token_verifier, name)
