"""The schemes passwords are hashed with: the one for new passwords, and how others are checked.

A stored hash is read strictly before any library sees it, and its cost is bounded, so that no
imported row can take the memory or the minutes of everybody else.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from passlib.hash import argon2, bcrypt, bcrypt_sha256

from auth_service.core.passwords import PasswordHash
from auth_service.setting_types import PasswordScheme

_UNIQUE: Final = frozenset({"hash", "salt", "sum", "checksum"})

MEMORY_LIMIT: Final = 256 * 1024 * 1024
"""Bytes that checking one foreign hash may take."""

_BCRYPT_BYTES: Final = 72
_BCRYPT_ROUNDS_MINIMUM: Final = 4
_BCRYPT_ROUNDS_LIMIT: Final = 16
_ARGON2_MEMORY_TIME_LIMIT: Final = 4 * 1024 * 1024  # KiB times passes: some four seconds
_ARGON2_LANES_LIMIT: Final = 64
# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_ARGON2_MEMORY: Final = 19456
_ARGON2_TIME: Final = 2
_ARGON2_LANES: Final = 1


@dataclass(frozen=True, slots=True)
class CurrentScheme:
    """The scheme and cost of new hashes, all of which start with ``prefix``.

    ``decoy`` looks like such a hash but belongs to no password: checking it takes the usual time
    and tells nothing. It is written down, not computed, so that starting costs nothing.
    """

    handler: Any
    prefix: str
    decoy: PasswordHash

    @classmethod
    def of(cls, scheme: PasswordScheme, *, bcrypt_rounds: int) -> Self:
        """The scheme of that name; the rounds (a power of two) matter to bcrypt only."""
        if scheme is PasswordScheme.ARGON2ID:
            return cls._argon2id()
        return cls._bcrypt_sha256(bcrypt_rounds)

    @classmethod
    def _bcrypt_sha256(cls, rounds: int) -> Self:
        prefix = f"$bcrypt-sha256$v=2,t=2b,r={rounds}$"
        decoy = PasswordHash(f"{prefix}{'.' * 22}${'.' * 31}")
        return cls(handler=bcrypt_sha256.using(rounds=rounds), prefix=prefix, decoy=decoy)

    @classmethod
    def _argon2id(cls) -> Self:
        handler = argon2.using(
            type="ID",
            memory_cost=_ARGON2_MEMORY,
            time_cost=_ARGON2_TIME,
            parallelism=_ARGON2_LANES,
            salt_size=16,
            hash_len=32,
        )
        prefix = f"$argon2id$v=19$m={_ARGON2_MEMORY},t={_ARGON2_TIME},p={_ARGON2_LANES}$"
        decoy = PasswordHash(f"{prefix}{'A' * 22}${'A' * 43}")
        return cls(handler=handler, prefix=prefix, decoy=decoy)

    def wrote(self, stored: str) -> bool:
        """Whether the hash is of this scheme and cost, so that nothing about it is outdated."""
        return stored.startswith(self.prefix)

    def hash(self, secret: bytes) -> PasswordHash:
        """A new hash of the secret, with a salt of its own.

        Raises:
            ValueError: the secret is over 4096 bytes.
        """
        return PasswordHash(self.handler.hash(secret))

    def verify(self, secret: bytes, stored: str) -> bool:
        """Whether the secret is the one that was hashed.

        Raises:
            ValueError: the hash is damaged, or the secret is over 4096 bytes.
        """
        return bool(self.handler.verify(secret, stored))


class Objection(StrEnum):
    """Why a hash can never be checked here, in words that follow "the hash"."""

    UNKNOWN = "is of no kind that this service can check"
    COSTLY = "would take too long or too much memory to check"
    DAMAGED = "is damaged: no password would ever match it"


@dataclass(frozen=True, slots=True)
class ForeignScheme:
    """A scheme, or a cost, that is checked but no longer written.

    ``affordable`` bounds what a check costs; ``sound`` is whether the parts fit together, so that
    some password can match.
    """

    pattern: re.Pattern[str]
    affordable: Callable[[re.Match[str]], bool]
    sound: Callable[[re.Match[str]], bool]
    verify: Callable[[bytes, re.Match[str]], bool]

    def read(self, stored: str) -> re.Match[str] | None:
        """The parts of the hash, or None where it is another scheme's or cannot be checked."""
        found = self.pattern.fullmatch(stored)
        return found if found and self.objection(found) is None else None

    def kind(self, found: re.Match[str]) -> str:
        """The scheme and what a check costs: everything but the salt and the sum."""
        costs = {name: part for name, part in found.groupdict().items() if name not in _UNIQUE}
        return f"{self.pattern.pattern} {costs}"

    def objection(self, found: re.Match[str]) -> Objection | None:
        """Why a hash of this scheme cannot be checked; None where it can."""
        if not self.affordable(found):
            return Objection.COSTLY
        return None if self.sound(found) else Objection.DAMAGED


def never_nul(secret: bytes) -> bytes:
    """The secret with 0xFF, which no UTF-8 text contains, for NUL: all the work, and then a no.

    To bcrypt a NUL is the end of the password, and HMAC (so PBKDF2 and scrypt) pads a key with
    them (RFC 2104 section 2): "secret" and "secret" with a NUL after it would be one password.
    """
    return secret.replace(b"\0", b"\xff")


def bcrypt_affordable(found: re.Match[str]) -> bool:
    """Whether bcrypt's ``rounds`` are within some seconds of work."""
    return int(found["rounds"]) <= _BCRYPT_ROUNDS_LIMIT


def bcrypt_sound(found: re.Match[str]) -> bool:
    """Whether bcrypt's ``rounds`` are as many as it takes at least."""
    return int(found["rounds"]) >= _BCRYPT_ROUNDS_MINIMUM


def _bcrypt_sha256_sound(found: re.Match[str]) -> bool:
    return bcrypt_sound(found) and not found["rounds"].startswith("0")


def _argon2_affordable(found: re.Match[str]) -> bool:
    memory, time, lanes = int(found["memory"]), int(found["time"]), int(found["lanes"])
    return (
        memory * 1024 <= MEMORY_LIMIT
        and memory * time <= _ARGON2_MEMORY_TIME_LIMIT
        and lanes <= _ARGON2_LANES_LIMIT
    )


def _argon2_sound(found: re.Match[str]) -> bool:
    memory, time, lanes = int(found["memory"]), int(found["time"]), int(found["lanes"])
    # RFC 9106 section 3.1: eight blocks of 1 KiB for each lane.
    return time > 0 and 0 < 8 * lanes <= memory and all(map(_is_base64, found.group("salt", "sum")))


def _is_base64(text: str) -> bool:
    """Whether it is what an encoder writes: no stray bits, no length that nothing has."""
    try:
        return b64encode(b64decode(text + "=" * (-len(text) % 4))).decode().rstrip("=") == text
    except ValueError:
        return False


def _verify_bcrypt(secret: bytes, found: re.Match[str]) -> bool:
    # Those who wrote such hashes cut passwords at 72 bytes without a word; today's library
    # raises instead, and on NUL as well.
    return bool(bcrypt.verify(never_nul(secret[:_BCRYPT_BYTES]), found["hash"]))


def _verify_bcrypt_sha256(secret: bytes, found: re.Match[str]) -> bool:
    return bool(bcrypt_sha256.verify(secret, found[0]))


def _verify_argon2(secret: bytes, found: re.Match[str]) -> bool:
    return bool(argon2.verify(secret, found["hash"]))


BCRYPT: Final = r"(?P<hash>\$2[aby]\$(?P<rounds>[0-9]{2})\$[./A-Za-z0-9]{53})"

# Django stores bcrypt and argon2 as others do, behind a name of its own.
NATIVE_SCHEMES: Final = (
    ForeignScheme(
        pattern=re.compile(rf"(?:bcrypt\$)?{BCRYPT}"),
        affordable=bcrypt_affordable,
        sound=bcrypt_sound,
        verify=_verify_bcrypt,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"\$bcrypt-sha256\$(?:v=2,t=2b,r=|2[ab],)(?P<rounds>[0-9]{1,2})"
            r"\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}"
        ),
        affordable=bcrypt_affordable,
        sound=_bcrypt_sha256_sound,
        verify=_verify_bcrypt_sha256,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"(?:argon2)?(?P<hash>\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?"
            r"m=(?P<memory>[0-9]{1,20}),t=(?P<time>[0-9]{1,20}),p=(?P<lanes>[0-9]{1,20})"
            r"\$(?P<salt>[A-Za-z0-9+/]{11,86})\$(?P<sum>[A-Za-z0-9+/]{22,172}))"
        ),
        affordable=_argon2_affordable,
        sound=_argon2_sound,
        verify=_verify_argon2,
    ),
)
