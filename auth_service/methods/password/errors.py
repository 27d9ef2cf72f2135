"""What can go wrong with passwords."""

from auth_service.core.errors import DomainError, Kind


class Busy(DomainError):
    """More passwords are waiting to be checked than this service lets wait.

    Checking a password is slow on purpose. Rather than keep everybody waiting, the service turns
    away what it cannot reach soon. Nothing was checked and nothing was counted: wait for the
    seconds that `Retry-After` gives, then send the request again.
    """

    kind = Kind.UNAVAILABLE
    code = "busy"
    title = "The service is checking too many passwords right now"
    retry_after = 1


class ReauthenticationFailed(DomainError):
    """The password that was asked for once more is wrong; nothing was changed.

    The access token is good, so this is no 401: the session goes on.
    """

    kind = Kind.FORBIDDEN
    code = "reauthentication_failed"
    title = "The password is wrong"
    keeps_writes = True
