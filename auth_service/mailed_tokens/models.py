"""The tables of mailed tokens, and of the wishes for one."""

from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base
from auth_service.db.sealed import SealedColumn


class MailedToken(Base):
    """A token that was sent to ``email``; only its SHA-256 is kept.

    ``email_key`` is the address it is bound to: the one that is verified, that a reset is for, that
    an account changes to, or that an undo restores and so keeps reserved.
    """

    __tablename__ = "mailed_tokens"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "email_key"),
        Index(None, "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    purpose: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class MailWish(Base):
    """Somebody typed an address and wants mail there; whether it has an account is seen later.

    ``address``, with the device cookie of who asked, is encrypted under ``AUTH_SECRET_KEYS``.
    ``user_id`` is who asked, if that is known.
    """

    __tablename__ = "mail_wishes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[bytes] = mapped_column(LargeBinary)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    request_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime]


WISH_ADDRESS: Final = SealedColumn(
    "wishes for mail", MailWish.id, MailWish.address, "mail wish", attrgetter("bytes")
)
