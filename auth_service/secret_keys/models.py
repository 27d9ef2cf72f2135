"""The table of secrets that have signed."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base


class SigningSecret(Base):
    """A secret that was the first of ``AUTH_SECRET_KEYS`` once, by its fingerprint.

    ``signed_until`` is when another was seen to be first; null while it is the first.
    """

    __tablename__ = "signing_secrets"

    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    first_seen_at: Mapped[datetime]
    signed_until: Mapped[datetime | None]
