"""SQL about accounts."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Table,
    TableValuedAlias,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.core.ids import new_id
from auth_service.core.passwords import PasswordHash
from auth_service.db.query import RowQuery
from auth_service.db.session import Database
from auth_service.users.account import (
    Account,
    AccountRecord,
    Credentials,
    Failures,
    NewAccount,
    ProvenPassword,
)
from auth_service.users.models import User

ACCOUNT_COLUMNS = (
    User.id,
    User.email,
    User.email_verified,
    User.roles,
    User.created_at,
    User.last_login_at,
    User.disabled_at,
    User.disabled_until,
)
"""The columns of ``Account``, in its order; other tables' reads join them in."""


_SAMPLED_PAGES = 200  # of 8 KiB, with some 20 accounts each
_SAMPLED_ROWS = 4000
_USERS = cast("Table", User.__table__)
_TABLE_PAGES = func.pg_relation_size(literal_column(f"'{User.__tablename__}'")) / literal_column(
    "8192"
)
_RECORD_FIELDS = tuple(field.name for field in fields(AccountRecord))
_RECORD_COLUMNS = tuple(getattr(User, name) for name in _RECORD_FIELDS)


def account_of(row: Sequence[Any]) -> Account:
    """The account that a row of ``ACCOUNT_COLUMNS`` describes."""
    return Account(*row)


_CREDENTIALS_COLUMNS = (
    User.password_hash,
    User.failed_logins,
    User.failed_device_logins,
    User.known_devices,
    *ACCOUNT_COLUMNS,
)


def _credentials(*row: Any) -> Credentials:  # noqa: ANN401 - a row holds what its columns hold
    password_hash, strangers, devices, known_devices, *account = row
    failures = Failures(strangers, devices)
    return Credentials(account_of(account), password_hash, failures, known_devices)


_CREDENTIALS = RowQuery(
    select(*_CREDENTIALS_COLUMNS).where(User.email_key == bindparam("email_key")), _credentials
)


async def find_credentials(database: Database, email_key: str) -> Credentials | None:
    """The account of an address with its password hash, read outside any transaction."""
    return await database.fetch_row(_CREDENTIALS, email_key=email_key)


_CREDENTIALS_BY_ID = RowQuery(
    select(*_CREDENTIALS_COLUMNS).where(User.id == bindparam("user_id")), _credentials
)


async def find_credentials_of(database: Database, user_id: UUID) -> Credentials | None:
    """An account with its password hash, read outside any transaction."""
    return await database.fetch_row(_CREDENTIALS_BY_ID, user_id=user_id)


async def sample_password_hashes(database: Database) -> list[PasswordHash]:
    """Password hashes of accounts drawn at random, of all where there are not many.

    On PostgreSQL those of whole pages, so that the work is bounded however many accounts there are.
    """
    if database.engine.dialect.name == "postgresql":
        [pages] = await database.fetch_rows(select(_TABLE_PAGES), int)
        percent = min(100.0, 100.0 * _SAMPLED_PAGES / max(1, pages))
        sample = _USERS.tablesample(func.system(literal_column(f"{percent:.6f}")))
        hashes = select(sample.c.password_hash).where(sample.c.password_hash.is_not(None))
    else:
        hashes = select(User.password_hash).where(User.password_hash.is_not(None))
        hashes = hashes.order_by(func.random()).limit(_SAMPLED_ROWS)
    return await database.fetch_rows(hashes, PasswordHash)


async def add(db: AsyncSession, new: NewAccount, now: datetime) -> Account | None:
    """Add an account; None where its address is taken, even by one added at the same moment."""
    statement = (
        _insert_for(db)(User)
        .values(
            id=new_id(),
            email=new.email,
            email_key=new.email_key,
            email_verified=new.email_verified,
            password_hash=new.password_hash,
            roles=new.roles,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[User.email_key])
        .returning(*ACCOUNT_COLUMNS)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else account_of(row)


async def add_records(db: AsyncSession, records: Sequence[AccountRecord]) -> set[UUID]:
    """Add accounts as they were elsewhere; the ids of those whose address and id were free.

    They are added in the order of their addresses, so that of two who add the same ones neither
    waits for the other while the other waits for it.
    """
    if not records:
        return set()
    rows = [
        {name: getattr(record, name) for name in _RECORD_FIELDS}
        for record in sorted(records, key=lambda record: record.email_key)
    ]
    statement = _insert_for(db)(User).on_conflict_do_nothing().returning(User.id)
    return set(await db.scalars(statement, rows))


async def remove_records(db: AsyncSession, ids: Collection[UUID]) -> None:
    """Delete accounts that were added in this transaction."""
    await db.execute(
        delete(User).where(User.id.in_(ids)).execution_options(synchronize_session=False)
    )


async def list_taken_keys(database: Database, keys: Collection[str]) -> list[str]:
    """Those of the addresses (by key) that have an account, read outside any transaction."""
    return await database.fetch_rows(select(User.email_key).where(User.email_key.in_(keys)), str)


async def list_taken_ids(database: Database, ids: Collection[UUID]) -> list[UUID]:
    """Those of the ids that an account has, read outside any transaction."""
    return await database.fetch_rows(select(User.id).where(User.id.in_(ids)), lambda found: found)


async def record_login(  # noqa: PLR0913 - what a login leaves, each named
    db: AsyncSession,
    user_id: UUID,
    *,
    proof: ProvenPassword,
    new_hash: PasswordHash | None,
    known_devices: Sequence[str] | None = None,
    now: datetime,
) -> Account | None:
    """Note a login, if the account is still as it was when the password was compared.

    Effect: sets ``last_login_at`` (the upgraded hash, the devices) and locks the row until the
    commit, so that a login and a reset of the same account come one after the other. Failures
    before it are no longer in a row. None where the hash has changed since, the account was
    disabled or deleted, or had too many failures.
    """
    statement = (
        update(User)
        .where(
            User.id == user_id,
            password_holds(proof),
            or_(User.disabled_at.is_(None), User.disabled_until <= now),
        )
        .values(last_login_at=now, **no_failures(proof))
        .returning(*ACCOUNT_COLUMNS)
    )
    if new_hash is not None:
        statement = statement.values(password_hash=new_hash)
    if known_devices is not None:
        statement = statement.values(known_devices=list(known_devices))
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else account_of(row)


async def set_disabled(
    db: AsyncSession, email_key: str, *, at: datetime | None, until: datetime | None
) -> Account | None:
    """Disable the account of an address, or enable it (both None); None where there is none."""
    row = (
        await db.execute(
            update(User)
            .where(User.email_key == email_key)
            .values(disabled_at=at, disabled_until=until)
            .returning(*ACCOUNT_COLUMNS)
        )
    ).one_or_none()
    return None if row is None else account_of(row)


async def list_page(db: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Account]:
    """Accounts in the order they were made, those after ``after``, at most ``limit``."""
    statement = select(*ACCOUNT_COLUMNS).order_by(User.id).limit(limit)
    if after is not None:
        statement = statement.where(User.id > after)
    return [account_of(row) for row in await db.execute(statement)]


async def list_records(
    database: Database, *, after: UUID | None, limit: int
) -> list[AccountRecord]:
    """Accounts with all that is kept of them, by id, those after ``after``, at most ``limit``.

    Read outside any transaction, so that nobody waits for whoever reads them all.
    """
    statement = select(*_RECORD_COLUMNS).order_by(User.id).limit(limit)
    if after is not None:
        statement = statement.where(User.id > after)
    return await database.fetch_rows(statement, AccountRecord)


async def list_administrators(db: AsyncSession, *, now: datetime) -> list[Account]:
    """Accounts with the role ``admin`` that may be used now, at most a hundred."""
    roles = roles_of(db)
    statement = (
        select(*ACCOUNT_COLUMNS)
        .join(roles, roles.c.value == "admin")
        .where(or_(User.disabled_at.is_(None), User.disabled_until <= now))
        .order_by(User.id)
        .limit(100)
    )
    return [account_of(row) for row in await db.execute(statement)]


async def exists_with_role(db: AsyncSession, role: str) -> bool:
    """Whether any account that is not disabled has the role."""
    roles = roles_of(db)
    found = await db.scalar(
        select(User.id)
        .join(roles, roles.c.value == role)
        .where(User.disabled_at.is_(None))
        .limit(1)
    )
    return found is not None


def password_holds(proof: ProvenPassword) -> ColumnElement[bool]:
    """Whether an account still has the password that was proven, and it still works."""
    failures = User.failed_device_logins if proof.by_known_device else User.failed_logins
    return and_(User.password_hash == proof.hash, failures < proof.hard_stop)


def no_failures(proof: ProvenPassword) -> dict[str, Any]:
    """The columns of failures after a right password: an end of the row, but not of a hard stop.

    Where strangers have brought that about, a login from a known device leaves it as it is.
    """
    strangers = case((User.failed_logins < proof.hard_stop, 0), else_=User.failed_logins)
    if proof.by_known_device:
        return {"failed_logins": strangers, "failed_device_logins": 0}
    return {"failed_logins": strangers}


def roles_of(db: AsyncSession) -> TableValuedAlias:
    """The roles of a row of users, one a row."""
    return (
        func.jsonb_array_elements_text(User.roles)
        if db.get_bind().dialect.name == "postgresql"
        else func.json_each(User.roles)
    ).table_valued("value")


def _insert_for(db: AsyncSession) -> Any:  # noqa: ANN401 - a function of either dialect
    return postgresql_insert if db.get_bind().dialect.name == "postgresql" else sqlite_insert
