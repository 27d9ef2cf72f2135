"""Wishes for mail: noted within the request, seen to after it.

Somebody who has forgotten a password types an address. Whether it has an account must show neither
in the answer nor in the time it takes. So the request writes the same row for every address, and
all that depends on the account happens later, in a background task of any worker: up to half a
second later, at random, so that it does not show in how long the next request takes either.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog

from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction, after_commit
from auth_service.mailed_tokens import wish_repository
from auth_service.mailed_tokens.models import WISH_ADDRESS
from auth_service.mailed_tokens.wish_repository import StoredWish

log = structlog.get_logger()
_PURPOSE: Final = WISH_ADDRESS.purpose
_LONGEST_DELAY_SECONDS: Final = 0.5


class WishKind(StrEnum):
    """What was wished for."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a wish, no password
    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    REGISTRATION_ATTEMPT = "registration_attempt"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wished for, the address they typed, and where they were."""

    email: Email
    user_id: UUID | None
    client: ClientInfo
    made_at: datetime


Fulfil = Callable[[Transaction, Wish], Awaitable[None]]


class MailWishes:
    """The wishes of all workers; each is seen to once, whole or not at all."""

    def __init__(self, *, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._fulfil: dict[str, Fulfil] = {}
        self.woken = asyncio.Event()

    def see_to(self, kind: WishKind, fulfil: Fulfil) -> None:
        """Have ``fulfil`` called for each wish of this kind, in a transaction of its own."""
        self._fulfil[kind.value] = fulfil

    async def put(
        self,
        db: Transaction,
        kind: WishKind,
        email: Email,
        client: ClientInfo,
        *,
        user_id: UUID | None = None,
    ) -> None:
        """Note a wish; the same work for every address."""
        wish_id = new_id()
        typed = f"{email.address}\n{client.device_cookie or ''}"
        address = self._keyring.encrypt(_PURPOSE, typed.encode("utf-8"), bound_to=wish_id.bytes)
        wish = StoredWish(
            id=wish_id,
            kind=kind.value,
            address=address,
            user_id=user_id,
            ip=client.ip,
            user_agent=client.user_agent and client.user_agent[:512],
            request_id=client.request_id,
            created_at=self._clock.now(),
        )
        await wish_repository.add(db, wish)
        after_commit(db, self._wake_soon)

    def _wake_soon(self) -> None:
        seconds = random.uniform(0, _LONGEST_DELAY_SECONDS)  # noqa: S311 - blurs, hides no secret
        asyncio.get_running_loop().call_later(seconds, self.woken.set)

    async def fulfil_all(self) -> int:
        """See to every wish there is; how many there were.

        Raises:
            ServiceUnavailable: the database was lost; the wishes are still there.
        """
        count = 0
        while await self._fulfil_oldest():
            count += 1
        return count

    async def _fulfil_oldest(self) -> bool:
        """See to one wish; False where there is none that no other worker is at."""
        if not await wish_repository.exist(self._database):
            return False
        taken = None
        try:
            async with self._database.transaction() as db:
                taken = await wish_repository.take_oldest(db)
                if taken is None:
                    return False
                await self._fulfil[taken.kind](db, self._read(taken))
        except ServiceUnavailable:
            raise
        except Exception:
            # One that cannot be fulfilled must not hold up those behind it for ever.
            log.exception("mail_wish_dropped")
            assert taken is not None  # noqa: S101 - taking one fails as a lost database only
            async with self._database.transaction() as db:
                await wish_repository.remove(db, taken.id)
        return True

    def _read(self, stored: StoredWish) -> Wish:
        typed = self._keyring.decrypt(_PURPOSE, stored.address, bound_to=stored.id.bytes)
        address, _, device_cookie = typed.decode("utf-8").partition("\n")
        client = ClientInfo(stored.ip, stored.user_agent, stored.request_id, device_cookie or None)
        return Wish(
            email=Email.parse(address),
            user_id=stored.user_id,
            client=client,
            made_at=stored.created_at,
        )
