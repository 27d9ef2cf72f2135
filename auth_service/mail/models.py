"""The table of mails that are to be sent."""

from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base
from auth_service.db.sealed import SealedColumn

_LEASED = text("leased_until IS NOT NULL")
_WAITING = text("sent_at IS NULL AND given_up_at IS NULL")


class OutboxMail(Base):
    """A mail that waits, or that was sent or given up lately.

    ``payload`` is the recipient and the values, encrypted; it is erased once the mail has left or
    was given up. ``leased_until`` says which worker's try is under way, and until when nobody else
    may begin one. ``destination`` is the endpoint that a webhook's delivery goes to. ``last_error``
    is a code of ours, never a server's text.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_next_attempt_at",
            "next_attempt_at",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index("ix_outbox_sent_at", "sent_at"),
        Index(
            "ix_outbox_leased_until",
            "leased_until",
            postgresql_where=_LEASED,
            sqlite_where=_LEASED,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    user_id: Mapped[UUID | None]
    destination: Mapped[UUID | None]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    attempts: Mapped[int]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(40))


PAYLOAD: Final = SealedColumn(
    "mails and deliveries", OutboxMail.id, OutboxMail.payload, "mail", attrgetter("bytes")
)
