"""Slowing down whoever guesses passwords, without the power to lock an owner out.

Every try is counted before its password is looked at, so that parallel ones cannot all pass by a
counter that none of them has moved yet; a right password takes the counts back to nothing. An
address counts by its key, as typed, whether an account has it or not: what a stranger can see of
the ladders is the same for both.
"""

import asyncio
import math
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.core.secrets import Keyring
from auth_service.settings import Settings
from auth_service.throttle.counters import (
    ASK_AGAIN,
    MEMORY_SECONDS,
    Counters,
    Entry,
    LocalCounters,
)
from auth_service.throttle.errors import TooManyTries
from auth_service.throttle.known_devices import KnownDevices
from auth_service.throttle.ladder import Ladder, Step
from auth_service.throttle.shared_counters import SharedCounters
from auth_service.web.client_ip import wide_network_key
from auth_service.web.store_guard import StoreGuard, StoreLostError

_ANYWHERE: Final = "anywhere"
_DEVICE: Final = "device"
_PURPOSE: Final = "throttled-address"
_PATIENCE_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.1
_MOST_WAITING: Final = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was let through and counted.

    ``by_known_device`` says that it is on the allowance of a device that logged in before.
    """

    entry: Entry
    by_known_device: bool


class Throttle:
    """The ladders of all workers where Redis is there; those of this process otherwise."""

    def __init__(
        self, *, keyring: Keyring, clock: Clock, settings: Settings, guard: StoreGuard | None
    ) -> None:
        self._keyring = keyring
        self._clock = clock
        self._devices = KnownDevices(keyring=keyring, clock=clock)
        self._network = Ladder(
            settings.throttle_network_tries, settings.throttle_network_wait.total_seconds()
        )
        self._anywhere = Ladder(
            settings.throttle_address_tries, settings.throttle_address_wait.total_seconds()
        )
        self._device = Ladder(settings.throttle_device_tries, MEMORY_SECONDS, MEMORY_SECONDS)
        self._local = LocalCounters()
        self._waiting = 0
        self._guard = guard
        self._shared = None if guard is None else SharedCounters(guard.redis)

    def find_device(self, client: ClientInfo, user_id: UUID) -> str | None:
        """The id of the client's device, if it logged in to this account before."""
        return self._devices.find(client.device_cookie, user_id)

    def remember_device(self, client: ClientInfo, user_id: UUID) -> str:
        """The device cookie that a login to this account gives its client."""
        return self._devices.remember(client.device_cookie, user_id)

    async def begin(self, email: Email, client: ClientInfo, *, device_id: str | None) -> Try:
        """Count a try for an address. Whoever calls this tells what became of it.

        A known device has an allowance of its own. Once that is used up it is nobody known any
        more, until a login or a day without a try.

        Raises:
            TooManyTries: the address has to wait; nothing was counted.
        """
        if device_id is not None:
            entry = _entry(f"device:{device_id}", Step(_DEVICE, self._device))
            if await self._wait(entry) <= 0:
                return Try(entry, by_known_device=True)
        entry = _entry(
            self._record_of(email),
            Step(_ANYWHERE, self._anywhere),
            Step(wide_network_key(client.ip), self._network),
        )
        wait = await self._wait(entry)
        if wait > 0:
            raise TooManyTries(math.ceil(wait))
        return Try(entry, by_known_device=False)

    async def fail(self, begun: Try) -> None:
        """The password was wrong, or is not to be told from a wrong one."""
        await self._everywhere(lambda counters: counters.settle(begun.entry))

    async def give_back(self, begun: Try) -> None:
        """Take back a try whose password was not looked at."""
        await self._everywhere(lambda counters: counters.give_back(begun.entry))

    async def succeed(self, begun: Try) -> None:
        """The password was right: what was counted together with this try is forgotten."""
        await self._everywhere(lambda counters: counters.forget(begun.entry.record))

    async def forget(self, email: Email) -> None:
        """Begin anew with an address, for its owner has a new password or was let in again."""
        record = self._record_of(email)
        await self._everywhere(lambda counters: counters.forget(record))

    async def _everywhere(self, act: Callable[[Counters], None]) -> None:
        act(self._local)
        await self._shared_or_none(act)

    async def _wait(self, entry: Entry) -> float:
        """Count the try; 0, or the seconds that it would have to wait.

        While that depends on other tries that are under way, it is asked again for a few seconds:
        many logins at once with the right password are no guesses.
        """
        patience = time.monotonic() + _PATIENCE_SECONDS
        while (wait := await self._taken(entry)) == ASK_AGAIN:
            if time.monotonic() > patience or self._waiting >= _MOST_WAITING:
                return 1.0
            self._waiting += 1
            try:
                await asyncio.sleep(random.uniform(0.5, 1) * _PAUSE_SECONDS)  # noqa: S311 - spreads load
            finally:
                self._waiting -= 1
        return wait

    async def _taken(self, entry: Entry) -> float:
        now = self._clock.now().timestamp()
        wait = await self._shared_or_none(lambda shared: shared.take(entry, now))
        if wait is None:
            return self._local.take(entry, now)
        if wait == 0:
            # Noted here too, so that a lost Redis, even a provoked loss, is no fresh start.
            self._local.note(entry, now)
        return wait

    async def _shared_or_none(self, act: Callable[[Counters], T]) -> T | None:
        """What the shared counters answer; None without them, or while they are lost."""
        if self._shared is None or self._guard is None:
            return None
        shared = self._shared
        try:
            return await self._guard.call(lambda: act(shared))
        except StoreLostError:
            return None

    def _record_of(self, email: Email) -> str:
        """An address as the store sees it: no address at all."""
        return "address:" + self._keyring.mac(_PURPOSE, email.key.encode())[:16].hex()


def _entry(record: str, *steps: Step) -> Entry:
    return Entry(record, steps, secrets.token_hex(8))
