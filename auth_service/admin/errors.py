"""Refusals to an administrator."""

from auth_service.core.errors import DomainError, Kind


class UserNotFound(DomainError):
    """No account has this address or id."""

    kind = Kind.NOT_FOUND
    code = "user_not_found"
    title = "There is no such user"


class PreconditionFailed(DomainError):
    """The user is no longer as the `If-Match` of the request says; nothing was changed.

    Somebody else has changed it meanwhile. Read it again, then decide anew.
    """

    kind = Kind.PRECONDITION_FAILED
    code = "precondition_failed"
    title = "The user has changed meanwhile"
