"""The table of sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.core.ids import new_id
from auth_service.db.base import Base, JsonDocument


class Session(Base):
    """One login that lasts. There is no row per refresh token: ``counter`` says which one is next.

    ``refresh_salt`` goes into the key of the tokens' MAC, so that the secret alone forges none.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "expires_at"),
        Index(
            None,
            "ended_at",
            postgresql_where=text("ended_at IS NOT NULL"),
            sqlite_where=text("ended_at IS NOT NULL"),
        ),
        Index(
            "ix_sessions_user_id_id_live",
            "user_id",
            "id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(String(100))
    amr: Mapped[list[str]] = mapped_column(JsonDocument)
    refresh_salt: Mapped[bytes] = mapped_column(LargeBinary)
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(40))
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
