"""Refusals of the token endpoint (RFC 6749 section 5.2)."""

from auth_service.core.errors import DomainError, Kind


class UnsupportedGrantType(DomainError):
    """The token endpoint does not know this `grant_type`."""

    kind = Kind.MALFORMED
    code = "unsupported_grant_type"
    title = "This grant type is not supported"
    oauth_error = "unsupported_grant_type"


class InvalidTokenRequest(DomainError):
    """The form lacks a field that its `grant_type` needs."""

    kind = Kind.MALFORMED
    code = "invalid_request"
    title = "The form lacks a field that this grant type needs"
    oauth_error = "invalid_request"


class InvalidClient(DomainError):
    """The request carries a client's credentials, and no client has these."""

    kind = Kind.UNAUTHENTICATED
    code = "invalid_client"
    title = "Unknown client, or a wrong secret"
    oauth_error = "invalid_client"
    challenge = 'Basic realm="oauth"'
