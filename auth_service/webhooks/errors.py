"""Refusals about webhooks."""

from auth_service.core.errors import DomainError, Kind


class WebhookNotFound(DomainError):
    """There is no webhook endpoint with this id."""

    kind = Kind.NOT_FOUND
    code = "webhook_not_found"
    title = "There is no such webhook"
