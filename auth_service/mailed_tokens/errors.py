"""Refusals about mailed tokens."""

from auth_service.core.errors import DomainError, Kind


class InvalidToken(DomainError):
    """The token from the mail is not, or no longer, good for this.

    It was used before, has expired, was meant for something else, or another change has made it
    void. Ask for a new mail.
    """

    kind = Kind.MALFORMED
    code = "invalid_token"
    title = "The token is not valid (any more)"
