"""The table of events."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.db.base import Base, JsonDocument
from auth_service.db.sealed import SealedColumn


class AuditEvent(Base):
    """Something that happened. Written once, in the transaction of what it records.

    ``salt`` is what the chain's commitment to the personal columns is salted with, and is erased
    with them (``audit.chain``).

    Ids are no foreign keys: an event outlives the account and the session it is about.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "subject_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "action", "id"),
        Index(None, "happened_at"),
    )

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
    client_id: Mapped[UUID | None]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditSeal(Base):
    """An event's place in the chain, and its MAC over the one before; see ``audit.chain``."""

    __tablename__ = "audit_seals"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    personal: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheckpoint(Base):
    """A place in the chain, signed."""

    __tablename__ = "audit_checkpoints"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCut(Base):
    """Where the retention cut the chain, signed: it goes on from this seal."""

    __tablename__ = "audit_cuts"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class AuditKey(Base):
    """The key of the chain, encrypted under ``AUTH_SECRET_KEYS``; there is one row."""

    __tablename__ = "audit_keys"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


KEY_ID: Final = 1
_BOUND_TO: Final = b"audit chain"
CHAIN_KEY: Final = SealedColumn(
    "the key of the record of events",
    AuditKey.id,
    AuditKey.secret,
    "audit chain",
    lambda _: _BOUND_TO,
)
