"""A service client as the rest of the service passes it on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.clients.client_secret import ClientSecretHash, RawClientSecret


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client as the database keeps it."""

    id: UUID
    name: str
    scopes: list[str]
    secret_hash: ClientSecretHash
    previous_secret_hash: ClientSecretHash | None
    secret_changed_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ClientWithSecret:
    """A client together with its new secret, which is shown this once."""

    client: StoredClient
    secret: RawClientSecret
