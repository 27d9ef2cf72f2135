"""Refusals about service clients."""

from auth_service.core.errors import DomainError, Kind


class InvalidClient(DomainError):
    """The request has to come from a client, and carries no credentials that any client has.

    Send the client's id and secret, either by HTTP Basic or as `client_id` and `client_secret` in
    the form.
    """

    kind = Kind.UNAUTHENTICATED
    code = "invalid_client"
    title = "Unknown client, or a wrong secret"
    oauth_error = "invalid_client"
    challenge = 'Basic realm="oauth"'


class InvalidScope(DomainError):
    """The client asks for a scope that it was not given."""

    kind = Kind.MALFORMED
    code = "invalid_scope"
    title = "The client may not have this scope"
    oauth_error = "invalid_scope"


class ClientNotFound(DomainError):
    """No service client has this id or name."""

    kind = Kind.NOT_FOUND
    code = "client_not_found"
    title = "There is no such client"
