"""The table of endpoints."""

from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.core.ids import new_id
from auth_service.db.base import Base, JsonDocument
from auth_service.db.sealed import SealedColumn


class WebhookEndpoint(Base):
    """Where events are sent to, and which; the secrets are encrypted under ``AUTH_SECRET_KEYS``.

    ``failures`` are tries in a row that failed, the first at ``failing_since``; until ``retry_at``
    none is made.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    url: Mapped[str] = mapped_column(String(2048))
    events: Mapped[list[str]] = mapped_column(JsonDocument)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))


SECRETS: Final = tuple(
    SealedColumn(name, WebhookEndpoint.id, column, "webhook secret", attrgetter("bytes"))
    for name, column in (
        ("webhook secrets", WebhookEndpoint.secret),
        ("previous webhook secrets", WebhookEndpoint.previous_secret),
    )
)
