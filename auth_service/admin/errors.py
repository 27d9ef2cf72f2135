"""Refusals to an administrator."""

from auth_service.core.errors import DomainError, Kind


class UserNotFound(DomainError):
    """No account has this address or id."""

    kind = Kind.NOT_FOUND
    code = "user_not_found"
    title = "There is no such user"
