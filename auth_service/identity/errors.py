"""Refusals about who is calling."""

from auth_service.core.errors import DomainError, Kind


class Forbidden(DomainError):
    """The caller is known, but does not have the role that this needs."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    title = "This needs a role that you do not have"
