"""Refusals about sessions."""

from auth_service.core.errors import DomainError, Kind


class InvalidRefreshToken(DomainError):
    """The refresh token is not, or no longer, good for anything.

    It is malformed, its session has ended or expired, or it was used before. Log in again.
    """

    kind = Kind.UNAUTHENTICATED
    code = "invalid_refresh_token"
    title = "The refresh token is not valid"
    oauth_error = "invalid_grant"


class RefreshTokenReused(InvalidRefreshToken):
    """An old refresh token came back: its session has been ended (RFC 9700 section 4.14.2).

    To the client this is an ``InvalidRefreshToken`` like any other.
    """

    keeps_writes = True


class CsrfRejected(DomainError):
    """A request carried the refresh cookie, but did not come from this service's own pages.

    It is honoured only when the browser says `Sec-Fetch-Site: same-origin`, or when `Origin` is
    the issuer's or one of `AUTH_CORS_ORIGINS`. Nothing has happened.
    """

    kind = Kind.FORBIDDEN
    code = "csrf_rejected"
    title = "The cookie came from a place that may not use it"
