"""SQL about what changes of an account: its password, its address, and its end."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Update,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.users.account import Account, ProvenPassword
from auth_service.users.models import DECOYS, FailureDecoy, User
from auth_service.users.repository import (
    ACCOUNT_COLUMNS,
    account_of,
    no_failures,
    password_holds,
    roles_of,
)

_LAST_ONES: Final = 0x61646D69  # "admi"
_UNLOCKED: Final[dict[str, Any]] = {"failed_logins": 0, "failed_device_logins": 0}
_NEW_PASSWORD: Final = _UNLOCKED | {"breach_noticed_at": None}


async def lock(db: AsyncSession, user_id: UUID) -> Account | None:
    """An account, which nobody changes until the commit."""
    return await _locked(db, User.id == user_id)


async def lock_for_change(db: AsyncSession, user_id: UUID) -> Account | None:
    """An account, which nobody else changes or locks until the commit."""
    return await _locked(db, User.id == user_id, shared=False)


async def confirm_password(db: AsyncSession, user_id: UUID, proof: ProvenPassword) -> bool:
    """Whether the account still has the password that was proven; it does until the commit.

    Effect: failures before it are no longer in a row.
    """
    statement = update(User).where(User.id == user_id, password_holds(proof))
    return await _change(db, statement.values(no_failures(proof))) is not None


async def lock_by_address(
    db: AsyncSession, email_key: str, *, shared: bool = True
) -> Account | None:
    """The account of an address, which nobody changes until the commit.

    Unless ``shared``, nobody else who locks it comes between either.
    """
    return await _locked(db, User.email_key == email_key, shared=shared)


async def _locked(
    db: AsyncSession, condition: ColumnElement[bool], *, shared: bool = True
) -> Account | None:
    statement = select(*ACCOUNT_COLUMNS).where(condition).with_for_update(read=shared)
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else account_of(row)


async def replace_password(
    db: AsyncSession, user_id: UUID, *, proof: ProvenPassword, new_hash: PasswordHash
) -> Account | None:
    """Set a new password hash in place of the one that was proven; None where that has changed."""
    return await _change(
        db,
        update(User)
        .where(User.id == user_id, password_holds(proof))
        .values(password_hash=new_hash, **_NEW_PASSWORD),
    )


async def reset_password(
    db: AsyncSession, user_id: UUID, *, email_key: str, new_hash: PasswordHash
) -> Account | None:
    """Set a new password hash, and note that the address is the owner's; None where it is not.

    Effect: a password that was stopped by failures works again, as the new one.
    """
    return await _change(
        db,
        update(User)
        .where(User.id == user_id, User.email_key == email_key)
        .values(password_hash=new_hash, email_verified=True, **_NEW_PASSWORD),
    )


async def verify_email(db: AsyncSession, user_id: UUID, *, email_key: str) -> Account | None:
    """Note that the address is the owner's; None where the account has another one by now."""
    return await _change(
        db,
        update(User)
        .where(User.id == user_id, User.email_key == email_key)
        .values(email_verified=True),
    )


async def change_email(db: AsyncSession, user_id: UUID, email: Email) -> Account | None:
    """Give an account another address, which is known to be the owner's.

    None where another account has it, even one that took it at the same moment.
    """
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(email=email.address, email_key=email.key, email_verified=True)
    )
    return await _change_address(db, statement)


async def restore_email(db: AsyncSession, user_id: UUID, email: Email) -> Account | None:
    """Give an account an earlier address back: void its password, reopen it if it was closed.

    None where another account has the address.
    """
    closed = User.deletion_due_at.is_not(None)
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(
            email=email.address,
            email_key=email.key,
            email_verified=True,
            password_hash=None,
            disabled_at=case((closed, None), else_=User.disabled_at),
            disabled_until=case((closed, None), else_=User.disabled_until),
            deletion_due_at=None,
        )
    )
    return await _change_address(db, statement)


async def close(
    db: AsyncSession, user_id: UUID, *, proof: ProvenPassword, now: datetime, delete_at: datetime
) -> Account | None:
    """Disable an account until it is deleted at ``delete_at``.

    None where its password is no longer the proven one.
    """
    statement = update(User).where(User.id == user_id, password_holds(proof))
    return await _change(
        db, statement.values(disabled_at=now, disabled_until=None, deletion_due_at=delete_at)
    )


async def find_due_for_deletion(db: AsyncSession, *, now: datetime) -> Account | None:
    """Lock a closed account whose time has come; None where there is none that is not locked."""
    statement = (
        select(*ACCOUNT_COLUMNS)
        .where(User.deletion_due_at <= now)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else account_of(row)


async def list_never_used(
    db: AsyncSession, *, created_before: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[Account]:
    """Lock accounts that were never verified nor logged in to, the oldest first.

    Those that are disabled or locked by somebody else are left out.
    """
    position = tuple_(User.created_at, User.id)
    statement = (
        select(*ACCOUNT_COLUMNS)
        .where(
            not_(User.email_verified),
            User.last_login_at.is_(None),
            User.disabled_at.is_(None),
            User.created_at < created_before,
            true() if after is None else position > after,
        )
        .order_by(User.created_at, User.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [account_of(row) for row in await db.execute(statement)]


async def _change_address(db: AsyncSession, statement: Update) -> Account | None:
    try:
        async with db.begin_nested():
            return await _change(db, statement)
    except IntegrityError:
        return None


async def void_password(db: AsyncSession, user_id: UUID) -> Account | None:
    """Leave an account without a password, until it is reset; None where there is no account."""
    statement = update(User).where(User.id == user_id)
    return await _change(db, statement.values(password_hash=None, **_NEW_PASSWORD))


async def delete(db: AsyncSession, user_id: UUID, *, proof: ProvenPassword | None) -> bool:
    """Delete an account and all that hangs on it; False where its password has changed."""
    condition = true() if proof is None else password_holds(proof)
    row = await db.execute(
        delete_from(User)
        .where(User.id == user_id, condition)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return row.one_or_none() is not None


async def count_failure(db: AsyncSession, user_id: UUID, *, by_known_device: bool) -> int | None:
    """Count a wrong password; how many these are in a row by now, None without an account."""
    column = User.failed_device_logins if by_known_device else User.failed_logins
    statement = (
        update(User)
        .where(User.id == user_id)
        .values({column.key: column + 1})
        .returning(column)
        .execution_options(synchronize_session=False)
    )
    return (await db.execute(statement)).scalar_one_or_none()


async def count_decoy_failure(db: AsyncSession, slot: int) -> None:
    """Write and read as much as ``count_failure`` does, for an address that no account has."""
    statement = (
        update(FailureDecoy)
        .where(FailureDecoy.slot == slot % DECOYS)
        .values(failures=FailureDecoy.failures + 1)
        .returning(FailureDecoy.failures)
        .execution_options(synchronize_session=False)
    )
    (await db.execute(statement)).scalar_one_or_none()


async def note_breach(db: AsyncSession, user_id: UUID, *, now: datetime) -> bool:
    """Note that the owner is told of a breached password; False where that was done before."""
    statement = update(User).where(User.id == user_id, User.breach_noticed_at.is_(None))
    return await _change(db, statement.values(breach_noticed_at=now)) is not None


async def unlock(db: AsyncSession, user_id: UUID) -> Account | None:
    """Have a password work again that failures have stopped; None where there is no account."""
    return await _change(db, update(User).where(User.id == user_id).values(**_UNLOCKED))


async def lock_last_ones(db: AsyncSession) -> None:
    """Be the only one who takes a role from somebody where one has to keep it, until the commit.

    Lock the account first, and no other account afterwards. On SQLite whoever writes is alone.
    """
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(select(func.pg_advisory_xact_lock(_LAST_ONES)))


async def exists_enabled_other(db: AsyncSession, role: str, *, than: UUID, now: datetime) -> bool:
    """Whether anybody else who is enabled has the role, now that the locks are held."""
    roles = roles_of(db)
    statement = select(
        exists().where(
            User.id != than,
            exists(select(roles.c.value).where(roles.c.value == role)),
            or_(User.disabled_at.is_(None), User.disabled_until <= now),
        )
    )
    return bool(await db.scalar(statement))


async def _change(db: AsyncSession, statement: Update) -> Account | None:
    row = (
        await db.execute(
            statement.returning(*ACCOUNT_COLUMNS).execution_options(synchronize_session=False)
        )
    ).one_or_none()
    return None if row is None else account_of(row)
