"""Refusals about making an account."""

from auth_service.core.errors import DomainError, Kind


class EmailTaken(DomainError):
    """An account with this address exists, in this or another spelling of it.

    If it is yours, log in.
    """

    kind = Kind.CONFLICT
    code = "email_taken"
    title = "An account with this address exists"


class RegistrationClosed(DomainError):
    """Accounts are made by the people who run this service, not by registering."""

    kind = Kind.FORBIDDEN
    code = "registration_closed"
    title = "Registration is closed"
