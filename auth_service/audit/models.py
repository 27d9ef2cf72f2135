"""The table of events."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base, JsonDocument


class AuditEvent(Base):
    """Something that happened. Written once, in the transaction of what it records.

    Ids are no foreign keys: an event outlives the account and the session it is about.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "subject_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    request_id: Mapped[str | None] = mapped_column(String(128))
    details: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
