"""Hashing and checking passwords, off the event loop and in a time that tells nothing."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final, Self

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.legacy import LEGACY_SCHEMES
from auth_service.methods.password.pool import HashingPool, MovingAverage
from auth_service.methods.password.schemes import NATIVE_SCHEMES, CurrentScheme, Objection
from auth_service.methods.password.spelling import MAXIMUM_TYPED, normalized
from auth_service.setting_types import PasswordScheme
from auth_service.settings import Settings

_FOREIGN_SCHEMES: Final = (*NATIVE_SCHEMES, *LEGACY_SCHEMES)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right, and if so, whether its hash should be made anew."""

    ok: bool
    upgrade: bool


_REFUSED: Final = Verdict(ok=False, upgrade=False)


def objection(stored: str) -> Objection | None:
    """Why a hash made elsewhere can never be checked here; None where it can."""
    for scheme in _FOREIGN_SCHEMES:
        if found := scheme.pattern.fullmatch(stored):
            return scheme.objection(found)
    return Objection.UNKNOWN


class PasswordHasher:
    """Makes and checks hashes; whatever is wrong, a refusal takes as long as any other."""

    def __init__(
        self, *, scheme: PasswordScheme, bcrypt_rounds: int, threads: int, queue: int
    ) -> None:
        self._current = CurrentScheme.of(scheme, bcrypt_rounds=bcrypt_rounds)
        self._pool = HashingPool(threads=threads, queue=queue)
        self._usual = MovingAverage()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The hasher that the settings describe."""
        return cls(
            scheme=settings.password_scheme,
            bcrypt_rounds=settings.bcrypt_rounds,
            threads=settings.hashing_threads,
            queue=settings.hashing_queue,
        )

    @property
    def running(self) -> int:
        """Passwords being hashed right now."""
        return self._pool.running

    @property
    def waiting(self) -> int:
        """Passwords waiting to be hashed right now."""
        return self._pool.waiting

    def objection(self, stored: str) -> Objection | None:
        """Why a hash cannot be imported; None where a login could check it.

        What the settings let new hashes cost is no objection to one.
        """
        found = objection(stored)
        own = found is Objection.COSTLY and self._current.wrote(stored)
        return None if own else found

    def kind(self, stored: str) -> str:
        """The scheme and cost of a hash: those of one kind take the same time to check.

        One that cannot be read is of today's kind, as checking it takes that long.
        """
        if not self._current.wrote(stored):
            for scheme in _FOREIGN_SCHEMES:
                if found := scheme.read(stored):
                    return scheme.kind(found)
        return self._current.prefix

    async def hash(self, password: str) -> PasswordHash:
        """A new hash of the password, with the configured scheme and cost.

        Raises:
            Busy: too many are waiting already.
            ValueError: the password is longer than the policy ever lets one be.
        """
        if len(password) > MAXIMUM_TYPED:
            raise ValueError(f"a password has at most {MAXIMUM_TYPED} code points")
        return await self._pool.run(lambda: self._current.hash(_secret(normalized(password))))

    async def verify(self, password: str, stored: PasswordHash | None) -> Verdict:
        """Whether the password is the one that was hashed.

        None stands for a hash of today's scheme that no password has: the answer is no, as it is
        for a hash that cannot be read.

        Raises:
            Busy: too many are waiting already.
        """
        verdict, missing = await self._pool.run(lambda: self._timed(password, stored))
        await asyncio.sleep(missing)
        return verdict

    async def reject(self, password: str, like: PasswordHash | None) -> Verdict:
        """Refuse a password that no account has, in the time that a hash like this one takes.

        Raises:
            Busy: too many are waiting already.
        """
        await self.verify(password, like)
        return _REFUSED

    def ensure_room(self) -> None:
        """Turn whoever would have to wait too long away before anything was done for them.

        Raises:
            Busy: too many are waiting already.
        """
        self._pool.ensure_room()

    async def aclose(self) -> None:
        """Finish what is under way, and end the threads."""
        await self._pool.aclose()

    def _timed(self, password: str, stored: str | None) -> tuple[Verdict, float]:
        """The verdict, and the seconds by which it came sooner than it usually does.

        Those are waited for, but off the threads: otherwise a wrong password for an account whose
        hash is of a cheaper scheme would be told from an unknown address by its time, and the right
        one for a disabled account, which is refused later, from both.
        """
        started = time.perf_counter()
        try:
            verdict = self._verdict(password, stored)
        except Exception:  # noqa: BLE001 - whatever a library makes of a damaged hash, it is a no
            verdict = self._decoy_verdict()
        seconds = time.perf_counter() - started
        if stored is None or self._current.wrote(stored):
            self._usual.add(seconds)
        return verdict, max(0.0, self._usual.seconds - seconds)

    def _verdict(self, password: str, stored: str | None) -> Verdict:
        if stored is None or len(password) > MAXIMUM_TYPED:
            return self._decoy_verdict()
        spelled = normalized(password)
        if self._current.wrote(stored):
            return Verdict(ok=self._current.verify(_secret(spelled), stored), upgrade=False)
        for scheme in _FOREIGN_SCHEMES:
            if found := scheme.read(stored):
                # Whoever wrote this hash may have taken the password as typed.
                spellings = dict.fromkeys((spelled, password))
                ok = any(scheme.verify(_secret(spelling), found) for spelling in spellings)
                return Verdict(ok=ok, upgrade=ok)
        return self._decoy_verdict()

    def _decoy_verdict(self) -> Verdict:
        self._current.verify(b"", self._current.decoy)
        return _REFUSED


def _secret(password: str) -> bytes:
    # A lone surrogate has no UTF-8; it gets the bytes it would have, so that nothing can raise.
    return password.encode("utf-8", "surrogatepass")
