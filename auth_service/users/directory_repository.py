"""SQL about the list of all accounts, as whoever looks after them searches it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, cast, exists, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.users.account import Account
from auth_service.users.models import User
from auth_service.users.repository import ACCOUNT_COLUMNS, account_of, roles_of

_HIGHEST: Final = "\U0010ffff"
"""Greater than any character: what begins with a prefix is less than the prefix with it behind."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An account in the list, and how many wrong passwords in a row strangers have tried."""

    account: Account
    failures: int

    @property
    def id(self) -> UUID:
        """What its place in the list is known by."""
        return self.account.id


@dataclass(frozen=True, slots=True)
class Search:
    """Which accounts are looked for: those that meet everything that is given.

    ``email_prefix`` is the beginning of an address's key.
    """

    email_prefix: str | None = None
    role: str | None = None
    enabled: bool | None = None
    created_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an administrator decides about an account."""

    roles: list[str]
    email_verified: bool
    disabled_at: datetime | None
    disabled_until: datetime | None


def _entry(*row: Any) -> Entry:  # noqa: ANN401 - a row holds what its columns hold
    return Entry(account_of(row[1:]), row[0])


_COLUMNS: Final = (User.failed_logins, *ACCOUNT_COLUMNS)
_BY_ID: Final = RowQuery(select(*_COLUMNS).where(User.id == bindparam("user_id")), _entry)
_BY_KEY: Final = RowQuery(select(*_COLUMNS).where(User.email_key == bindparam("email_key")), _entry)


async def find(database: Database, user_id: UUID) -> Entry | None:
    """An account by its id, read outside any transaction."""
    return await database.fetch_row(_BY_ID, user_id=user_id)


async def find_by_address(database: Database, email_key: str) -> Entry | None:
    """An account by its address, read outside any transaction."""
    return await database.fetch_row(_BY_KEY, email_key=email_key)


async def lock(db: AsyncSession, user_id: UUID) -> Entry | None:
    """An account, which nobody else changes or locks until the commit."""
    statement = select(*_COLUMNS).where(User.id == user_id).with_for_update()
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else _entry(*row)


async def list_page(
    db: AsyncSession, search: Search, *, now: datetime, before: UUID | None, limit: int
) -> list[Entry]:
    """Accounts that are looked for, the newest first; those made before ``before``."""
    statement = (
        select(*_COLUMNS).where(*_conditions(db, search, now)).order_by(User.id.desc()).limit(limit)
    )
    if before is not None:
        statement = statement.where(User.id < before)
    return [_entry(*row) for row in await db.execute(statement)]


async def set_standing(db: AsyncSession, user_id: UUID, standing: Standing) -> Account | None:
    """Set what an administrator has decided; None where the account is gone."""
    row = (
        await db.execute(
            update(User)
            .where(User.id == user_id)
            .values(
                roles=standing.roles,
                email_verified=standing.email_verified,
                disabled_at=standing.disabled_at,
                disabled_until=standing.disabled_until,
                # An administrator who enables a closed account reopens it.
                deletion_due_at=None if standing.disabled_at is None else User.deletion_due_at,
            )
            .returning(*ACCOUNT_COLUMNS)
            .execution_options(synchronize_session=False)
        )
    ).one_or_none()
    return None if row is None else account_of(row)


def _conditions(db: AsyncSession, search: Search, now: datetime) -> Iterator[ColumnElement[bool]]:
    if search.email_prefix is not None:
        # A range and no LIKE: there is nothing in it to escape, and an index serves it.
        first = search.email_prefix
        for operator, bound in zip(_range_operators(db), (first, first + _HIGHEST), strict=True):
            yield User.email_key.op(operator, is_comparison=True)(bound)
    if search.role is not None:
        yield _has_role(db, search.role)
    if search.enabled is not None:
        disabled = and_(
            User.disabled_at.is_not(None),
            or_(User.disabled_until.is_(None), User.disabled_until > now),
        )
        yield ~disabled if search.enabled else disabled
    if search.created_after is not None:
        yield User.created_at > search.created_after


def _has_role(db: AsyncSession, role: str) -> ColumnElement[bool]:
    if db.get_bind().dialect.name == "postgresql":
        # `?` is answered by the index on roles; an exists over its elements would not be.
        return cast(User.roles, JSONB).op("?", is_comparison=True)(role)
    roles = roles_of(db)
    return exists(select(roles.c.value).where(roles.c.value == role))


def _range_operators(db: AsyncSession) -> tuple[str, str]:
    """Not less, and less, in the order of code points."""
    return ("~>=~", "~<~") if db.get_bind().dialect.name == "postgresql" else (">=", "<")
