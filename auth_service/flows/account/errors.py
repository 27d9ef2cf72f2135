"""Refusals about one's own account."""

from auth_service.core.errors import DomainError, Kind


class SessionNotFound(DomainError):
    """You have no live session with this id."""

    kind = Kind.NOT_FOUND
    code = "session_not_found"
    title = "There is no such session"


class LastAdmin(DomainError):
    """This is the last account that may administer the service, so it has to stay.

    Give another account the role `admin` first.
    """

    kind = Kind.CONFLICT
    code = "last_admin"
    title = "The last administrator has to stay"
