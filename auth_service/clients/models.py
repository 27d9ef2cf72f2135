"""The tables of service clients, and of their tokens that were revoked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.clients.client_secret import ClientSecretHash
from auth_service.db.base import Base, JsonDocument


class ServiceClient(Base):
    """A service that gets tokens in its own name. Two secrets are good while one is replaced."""

    __tablename__ = "service_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(JsonDocument)
    secret_hash: Mapped[ClientSecretHash] = mapped_column(LargeBinary)
    previous_secret_hash: Mapped[ClientSecretHash | None] = mapped_column(LargeBinary)
    secret_changed_at: Mapped[datetime]
    created_at: Mapped[datetime]


class RevokedToken(Base):
    """An access token of a client that is refused before it expires (RFC 7009)."""

    __tablename__ = "revoked_tokens"
    __table_args__ = (Index(None, "expires_at"), Index(None, "revoked_at"))

    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
