"""Refusals about who is calling."""

from datetime import timedelta
from typing import Final

from auth_service.core.errors import DomainError, Kind

MAXIMUM_LOGIN_AGE: Final = timedelta(minutes=10)
"""How long after a login what needs a recent one may be done."""


class Forbidden(DomainError):
    """The caller is known, but does not have the role that this needs."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    title = "This needs a role that you do not have"


class InsufficientUserAuthentication(DomainError):
    """The caller is known and may do this, but logged in too long ago (RFC 9470).

    Some changes need a login of the last 10 minutes; `max_age` in the challenge is that in
    seconds. A refresh is no login: send the person to `POST /auth/login`, then ask again with the
    new access token.
    """

    kind = Kind.UNAUTHENTICATED
    code = "insufficient_user_authentication"
    title = "This needs a more recent login"
    challenge = (
        f'Bearer error="{code}", error_description="{title}", '
        f'max_age="{int(MAXIMUM_LOGIN_AGE.total_seconds())}"'
    )
