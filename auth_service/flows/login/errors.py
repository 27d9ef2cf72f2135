"""Refusals of a login."""

from auth_service.core.errors import DomainError, Kind


class InvalidCredentials(DomainError):
    """The address or the password is wrong, or the account may not be used.

    Which of them it is, is not told: the answer is the same, and takes as long, in every case.
    """

    kind = Kind.UNAUTHENTICATED
    code = "invalid_credentials"
    title = "The address or the password is wrong"
    oauth_error = "invalid_grant"
    keeps_writes = True


class EmailNotVerified(DomainError):
    """The password is right, but the address has to be verified before the first login.

    Follow the link in the mail; `POST /auth/verify-email/resend` sends it again.
    """

    kind = Kind.FORBIDDEN
    code = "email_not_verified"
    title = "The address is not verified yet"
    oauth_error = "invalid_grant"
    keeps_writes = True
