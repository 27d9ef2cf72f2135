"""A client's secret: 256 random bits, kept as a hash.

The hash is a fast one on purpose: nothing slow is needed for what nobody can guess, and services
authenticate with every introspection.
"""

import hashlib
import hmac
import secrets
from typing import Final, NewType

RawClientSecret = NewType("RawClientSecret", str)
ClientSecretHash = NewType("ClientSecretHash", bytes)
_PREFIX: Final = "cs_"
_NOBODYS: Final = ClientSecretHash(bytes(32))


def new_secret() -> RawClientSecret:
    """A new secret: ``cs_`` and 256 random bits, base64url."""
    return RawClientSecret(_PREFIX + secrets.token_urlsafe(32))


def hash_of(secret: str) -> ClientSecretHash:
    """SHA-256 of a secret, or of what was sent as one."""
    return ClientSecretHash(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())


def matches(secret: str, *stored: ClientSecretHash | None) -> bool:
    """Whether the secret is one of those stored; in a time that tells nothing of which."""
    given = hash_of(secret)
    found = [hmac.compare_digest(given, known or _NOBODYS) for known in stored]
    return any(found)
