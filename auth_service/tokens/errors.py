"""Refusals about access tokens."""

from auth_service.core.errors import DomainError, Kind


class InvalidAccessToken(DomainError):
    """The request needs an access token, and carries none that is valid.

    The token is missing, malformed, expired, or its session has ended. Get a new one from
    `POST /auth/refresh`, or log in again.
    """

    kind = Kind.UNAUTHENTICATED
    code = "invalid_access_token"
    title = "A valid access token is required"
    challenge = 'Bearer error="invalid_token"'


class MissingAccessToken(InvalidAccessToken):
    """The request carries no access token at all.

    To the client this is an ``InvalidAccessToken``; but the challenge names no error, for none was
    made (RFC 6750 section 3.1).
    """

    challenge = "Bearer"
