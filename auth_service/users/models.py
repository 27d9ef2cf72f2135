"""The table of accounts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.core.ids import new_id
from auth_service.core.passwords import PasswordHash
from auth_service.db.base import Base, JsonDocument

DECOYS: Final = 256
_NEVER_USED: Final = text("NOT email_verified AND last_login_at IS NULL")


class FailureDecoy(Base):
    """A row that is written where a failure has no account to be counted with.

    The write would be missed: a wrong password for an address without an account would be answered
    sooner. There are ``DECOYS`` of them, so that such failures do not wait for each other.
    """

    __tablename__ = "failure_decoys"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")


class User(Base):
    """One account. ``email`` is what is shown and written to, ``email_key`` what is compared.

    ``disabled_at`` set means disabled, until ``disabled_until`` where that is set too. The failures
    are wrong passwords in a row, those of devices that logged in before apart from all others.
    ``breach_noticed_at`` is when its owner was told that the password is known from a breach.
    ``known_devices`` are what devices that logged in call themselves, the latest first.
    ``deletion_due_at`` is set once its holder has deleted the account while an undo link for a
    change of address was live: the account is disabled, and deleted at that time.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index(None, "created_at"),
        Index(
            "ix_users_id_disabled",
            "id",
            postgresql_where=text("disabled_at IS NOT NULL"),
            sqlite_where=text("disabled_at IS NOT NULL"),
        ),
        Index(
            "ix_users_never_used",
            "created_at",
            postgresql_where=_NEVER_USED,
            sqlite_where=_NEVER_USED,
        ),
        Index(
            "ix_users_deletion_due_at",
            "deletion_due_at",
            postgresql_where=text("deletion_due_at IS NOT NULL"),
            sqlite_where=text("deletion_due_at IS NOT NULL"),
        ),
        # What begins with a prefix is a range in the order of code points, not in a language's.
        Index(
            "ix_users_email_key_prefix",
            "email_key",
            postgresql_ops={"email_key": "varchar_pattern_ops"},
        ),
        Index(None, "roles", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    email_verified: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[PasswordHash | None] = mapped_column(String(512))
    roles: Mapped[list[str]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_until: Mapped[datetime | None]
    deletion_due_at: Mapped[datetime | None]
    failed_logins: Mapped[int] = mapped_column(default=0, server_default="0")
    failed_device_logins: Mapped[int] = mapped_column(default=0, server_default="0")
    breach_noticed_at: Mapped[datetime | None]
    known_devices: Mapped[list[str]] = mapped_column(
        JsonDocument, default=list, server_default=text("'[]'")
    )
