"""Refusals to the people who run the service."""

from collections.abc import Mapping
from typing import Final

from auth_service.core.errors import DomainError, Kind

_POOLER_HINT: Final = (
    " The database is reached through a connection pooler: set AUTH_DATABASE_POOLER=true."
)


class NotReady(DomainError):
    """A part that requests need is missing; `checks` names each part and its state.

    The process is up, but should not be sent requests until this is answered with 200.
    """

    kind = Kind.UNAVAILABLE
    code = "not_ready"
    title = "The service is not ready"
    retry_after = 5

    def __init__(self, checks: Mapping[str, str]) -> None:
        self.extensions = {"checks": dict(checks)}
        lost = ", ".join(name for name, state in checks.items() if state == "unavailable")
        super().__init__(f"Not available: {lost}.{_POOLER_HINT if 'pooler' in checks else ''}")


class InvalidMetricsToken(DomainError):
    """The metrics are for whoever has `AUTH_METRICS_TOKEN`: send it as a bearer token."""

    kind = Kind.UNAUTHENTICATED
    code = "invalid_metrics_token"
    title = "The metrics token is missing or wrong"
