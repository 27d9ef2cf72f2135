"""Columns that are encrypted under ``AUTH_SECRET_KEYS``, and how a new secret takes them over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from auth_service.core.secrets import FINGERPRINT_BYTES, Keyring
from auth_service.db.session import Database

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of ciphertexts that ``Keyring.encrypt`` made.

    Each is for ``purpose``, and bound to what ``bound_to`` makes of the row's ``key``.
    """

    name: str
    key: InstrumentedAttribute[Any]
    ciphertext: InstrumentedAttribute[Any]
    purpose: str
    bound_to: Callable[[Any], bytes]


async def list_fingerprints(database: Database, column: SealedColumn) -> set[bytes]:
    """The fingerprints of the secrets that the column's ciphertexts were made with."""
    found = _fingerprint(column)
    statement = select(found).where(column.ciphertext.is_not(None)).distinct()
    return set(await database.fetch_rows(statement, bytes))


async def reencrypt(db: AsyncSession, column: SealedColumn, keyring: Keyring) -> int:
    """Put a column's ciphertexts under the current secret; how many were under another.

    Raises:
        UndecryptableError: no configured secret opens one.
    """
    current = keyring.fingerprints[0]
    outdated = (
        select(column.key, column.ciphertext)
        .where(column.ciphertext.is_not(None), _fingerprint(column) != current)
        .limit(_BATCH)
    )
    count = 0
    while rows := (await db.execute(outdated)).all():
        for key, ciphertext in rows:
            bound_to = column.bound_to(key)
            plain = keyring.decrypt(column.purpose, ciphertext, bound_to=bound_to)
            renewed = keyring.encrypt(column.purpose, plain, bound_to=bound_to)
            await db.execute(
                update(column.key.class_)
                # What somebody else has changed since is under the current secret by that.
                .where(column.key == key, column.ciphertext == ciphertext)
                .values({column.ciphertext.key: renewed})
                .execution_options(synchronize_session=False)
            )
        count += len(rows)
    return count


def _fingerprint(column: SealedColumn) -> ColumnElement[bytes]:
    return func.substr(column.ciphertext, 1, FINGERPRINT_BYTES, type_=LargeBinary)
