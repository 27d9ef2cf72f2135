"""The outbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base

_UNSENT = text("closed_at IS NULL")


class OutboxMail(Base):
    """A mail that is to be sent, or was.

    ``payload`` holds recipient and values, encrypted under ``AUTH_SECRET_KEYS``, for the values may
    be links with live tokens. It is erased once the mail is sent or given up (``closed_at``).
    ``leased_until`` is until when a worker is at it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "next_attempt_at", postgresql_where=_UNSENT, sqlite_where=_UNSENT),
        Index(None, "user_id"),
        Index(None, "closed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int]
    leased_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(32))
