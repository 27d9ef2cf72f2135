"""The table of signing keys."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base, JsonDocument
from auth_service.db.sealed import SealedColumn

_ONE_OF_EACH = text("state IN ('active', 'next')")


class SigningKey(Base):
    """A key pair for access tokens; the private half is encrypted under ``AUTH_SECRET_KEYS``.

    The partial unique index is what makes one key of many workers that start together.
    ``token_seconds`` is the longest life of the tokens it signed.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_algorithm_state",
            "algorithm",
            "state",
            unique=True,
            postgresql_where=_ONE_OF_EACH,
            sqlite_where=_ONE_OF_EACH,
        ),
    )

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    public_jwk: Mapped[dict[str, str]] = mapped_column(JsonDocument)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    token_seconds: Mapped[int]
    retired_at: Mapped[datetime | None]
    published_until: Mapped[datetime | None]


PRIVATE_KEY: Final = SealedColumn(
    "signing keys", SigningKey.kid, SigningKey.private_key, "signing key", str.encode
)
