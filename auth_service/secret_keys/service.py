"""When a secret may leave ``AUTH_SECRET_KEYS``.

Refresh tokens are made with the first secret, and are good until the session has been idle for
``AUTH_SESSION_IDLE_TTL``. So a secret is needed for that long after another has taken its place,
and for as long as something in the database is encrypted under it. Workers note which secret is
first; ``serve`` and ``check`` refuse a configuration that lacks a secret that is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from auth_service.core.clock import Clock
from auth_service.core.secrets import Keyring
from auth_service.db import sealed
from auth_service.db.sealed import SealedColumn
from auth_service.db.session import Database, Transaction
from auth_service.secret_keys import repository
from auth_service.setting_sources import SettingsError
from auth_service.settings import Settings

NOTED_EVERY: Final = timedelta(minutes=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret, by its fingerprint in hexadecimal, and how long it is needed.

    ``needed_until`` is None while the secret signs, and ``encrypts`` names what in the database is
    under it.
    """

    fingerprint: str
    configured: bool
    signed_until: datetime | None
    needed_until: datetime | None
    encrypts: tuple[str, ...]


class SecretKeys:
    """Knows which secrets have signed, and what is encrypted under which."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        columns: Sequence[SealedColumn],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._columns = columns
        self._clock = clock
        self._idle_ttl = settings.session_idle_ttl

    async def note_use(self) -> None:
        """Note which secret signs, and that the others of the configuration do not any more.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        first, *others = self._keyring.fingerprints
        signing = {
            secret.fingerprint
            for secret in await repository.list_all(self._database)
            if secret.signed_until is None
        }
        if first in signing and not signing.intersection(others):
            return
        now = self._clock.now()
        async with self._database.transaction() as db:
            await repository.put_first(db, first, now=now)
            await repository.end(db, others, now=now)

    async def list_uses(self) -> list[SecretUse]:
        """Every secret that is configured, or has signed, or that something is encrypted under.

        Raises:
            ServiceUnavailable: the database cannot be reached.
        """
        known = {one.fingerprint: one for one in await repository.list_all(self._database)}
        encrypts: dict[bytes, list[str]] = {}
        for column in self._columns:
            for fingerprint in await sealed.list_fingerprints(self._database, column):
                encrypts.setdefault(fingerprint, []).append(column.name)
        uses = []
        for fingerprint in dict.fromkeys([*self._keyring.fingerprints, *known, *encrypts]):
            stored = known.get(fingerprint)
            until = stored.signed_until if stored else None
            uses.append(
                SecretUse(
                    fingerprint.hex(),
                    fingerprint in self._keyring.fingerprints,
                    until,
                    until + self._idle_ttl if until else None,
                    tuple(encrypts.get(fingerprint, ())),
                )
            )
        return uses

    async def ensure_none_is_missing(self) -> None:
        """Do nothing where every secret that is needed is configured.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            SettingsError: one is missing; the message has a line for each.
        """
        signed = {one.fingerprint.hex() for one in await repository.list_all(self._database)}
        faults = []
        for use in await self.list_uses():
            if use.configured:
                continue
            if use.encrypts:
                faults.append(
                    f"AUTH_SECRET_KEYS lacks the secret {use.fingerprint}, which is what "
                    f"{' and '.join(use.encrypts)} in the database are encrypted under: put it "
                    "back behind a comma and run `auth-service keys reencrypt`"
                )
            elif use.fingerprint in signed:
                faults.extend(self._fault_of_signing(use))
        if faults:
            raise SettingsError("\n".join(faults))

    async def reencrypt(self, db: Transaction) -> dict[str, int]:
        """Put everything under the first secret; how much was not, by its name.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens something; nothing was changed.
        """
        return {
            column.name: await sealed.reencrypt(db, column, self._keyring)
            for column in self._columns
        }

    async def withdraw(self, db: Transaction, fingerprint: str) -> bool:
        """Let a secret leave the configuration at once; False where it has not signed.

        Effect: refresh tokens that were made with it are refused where it is not configured.
        """
        try:
            withdrawn = await repository.remove(db, bytes.fromhex(fingerprint))
        except ValueError:
            return False
        if withdrawn:
            log.warning("secret_withdrawn", fingerprint=fingerprint)
        return withdrawn

    def _fault_of_signing(self, use: SecretUse) -> list[str]:
        if use.needed_until is None:
            why = "which signs until another one is first"
            until = "and put the new one first"
        elif use.needed_until > self._clock.now():
            why = f"which signed until {_spelled(use.signed_until)}"
            until = f"until {_spelled(use.needed_until)}"
        else:
            return []
        return [
            f"AUTH_SECRET_KEYS lacks the secret {use.fingerprint}, {why}: put it back behind a "
            f"comma {until}, or whoever is logged in with it is not any more; if others may have "
            f"it, run `auth-service keys withdraw-secret {use.fingerprint}`"
        ]


def _spelled(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
