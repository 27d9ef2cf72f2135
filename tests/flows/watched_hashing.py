"""Today's password scheme, watched or held, in the place of the app's own."""

import asyncio
import threading
from dataclasses import dataclass, field

from fastapi import FastAPI

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.schemes import CurrentScheme

_PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class CountedScheme(CurrentScheme):
    """Notes each check of a password and each new hash."""

    work: list[str] = field(default_factory=list)

    def hash(self, secret: bytes) -> PasswordHash:
        self.work.append("hash")
        return super().hash(secret)

    def verify(self, secret: bytes, stored: str) -> bool:
        self.work.append("verify")
        return super().verify(secret, stored)


@dataclass(frozen=True)
class HeldScheme(CurrentScheme):
    """Makes whoever hashes wait on a thread, as a slow hash would, until they are let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def hash(self, secret: bytes) -> PasswordHash:
        self._wait()
        return super().hash(secret)

    def verify(self, secret: bytes, stored: str) -> bool:
        self._wait()
        return super().verify(secret, stored)

    async def has_begun(self) -> None:
        """Wait until a password is being hashed."""
        assert await asyncio.to_thread(self.begun.wait, _PATIENCE_SECONDS), "nothing was hashed"

    def _wait(self) -> None:
        self.begun.set()
        self.let_go.wait(_PATIENCE_SECONDS)


def count_hashing(app: FastAPI) -> CountedScheme:
    """Have the app's hashing noted from here on."""
    current = app.state.hasher._current
    scheme = CountedScheme(current.handler, current.prefix, current.decoy)
    app.state.hasher._current = scheme
    return scheme


def hold_hashing(app: FastAPI) -> HeldScheme:
    """Have the app's hashing wait from here on."""
    current = app.state.hasher._current
    scheme = HeldScheme(current.handler, current.prefix, current.decoy)
    app.state.hasher._current = scheme
    return scheme
