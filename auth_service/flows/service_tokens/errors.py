"""Refusals of the OAuth endpoints (RFC 6749 section 5.2)."""

from auth_service.core.errors import DomainError, Kind


class UnsupportedGrantType(DomainError):
    """The token endpoint does not know this `grant_type`."""

    kind = Kind.MALFORMED
    code = "unsupported_grant_type"
    title = "This grant type is not supported"
    oauth_error = "unsupported_grant_type"


class UnauthorizedClient(DomainError):
    """People log in and refresh without a client of their own; a service gets its own tokens.

    A service client may use `grant_type=client_credentials` only.
    """

    kind = Kind.MALFORMED
    code = "unauthorized_client"
    title = "The client may not use this grant type"
    oauth_error = "unauthorized_client"


class InvalidTokenRequest(DomainError):
    """The form lacks a field that is needed, or says something twice."""

    kind = Kind.MALFORMED
    code = "invalid_request"
    title = "The form lacks a field that is needed"
    oauth_error = "invalid_request"


class InsufficientScope(DomainError):
    """The client is known, but may not have this: its scopes do not name it."""

    kind = Kind.FORBIDDEN
    code = "insufficient_scope"
    title = "The client does not have the scope that this needs"
    oauth_error = "insufficient_scope"
