"""Keys derived from ``AUTH_SECRET_KEYS``, and what is done with them.

The first secret signs and encrypts; all of them verify and decrypt, so that a secret can be
replaced without a moment in which anything is refused. Each use has a key of its own, derived by
HKDF (RFC 5869), so that no two parts of the service ever share one.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12
FINGERPRINT_BYTES: Final = 8


class UndecryptableError(Exception):
    """No configured secret opens this ciphertext."""


def new_secret() -> str:
    """A new random secret: 256 bits, base64url."""
    return secrets.token_urlsafe(32)


@lru_cache(maxsize=64)
def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"auth-service/" + purpose).derive(
        secret
    )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The configured secrets, the current one first."""

    secrets: tuple[bytes, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> "Keyring":
        """A keyring of the given secrets.

        Raises:
            ValueError: when there is none.
        """
        if not values:
            raise ValueError("a keyring needs at least one secret")
        return cls(tuple(value.encode() for value in values))

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """What tells the secrets apart, and what each ciphertext begins with: eight bytes each."""
        return tuple(map(_fingerprint, self.secrets))

    def pseudonym(self, address_key: str) -> str:
        """What stands for an e-mail address in logs and events: equal for equal ones, no more."""
        return self.mac("log-address", address_key.encode())[:12].hex()

    def mac(self, purpose: str, message: bytes, *, salt: bytes = b"") -> bytes:
        """HMAC-SHA256 of the message under the current secret's key for this purpose (32 bytes).

        A salt, where given, is mixed into the key: whoever has the secret but not the salt, or the
        salt but not the secret, cannot compute the result.
        """
        return _mac(self.secrets[0], purpose, salt, message)

    def verifies(self, purpose: str, message: bytes, tag: bytes, *, salt: bytes = b"") -> bool:
        """Whether the tag was made by ``mac`` under any of the secrets; in constant time."""
        candidates = [_mac(secret, purpose, salt, message) for secret in self.secrets]
        matches = [hmac.compare_digest(candidate, tag) for candidate in candidates]
        return any(matches)

    def encrypt(self, purpose: str, plaintext: bytes, *, bound_to: bytes) -> bytes:
        """AES-256-GCM under the current secret: fingerprint of the secret, nonce, ciphertext.

        The ciphertext opens only together with the same ``bound_to``, so that it cannot be moved
        to another row.
        """
        secret = self.secrets[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(_derive(secret, purpose.encode()))
        return _fingerprint(secret) + nonce + cipher.encrypt(nonce, plaintext, bound_to)

    def decrypt(self, purpose: str, ciphertext: bytes, *, bound_to: bytes) -> bytes:
        """What ``encrypt`` was given.

        Raises:
            UndecryptableError: no configured secret made it, or it was changed or moved.
        """
        fingerprint, rest = ciphertext[:FINGERPRINT_BYTES], ciphertext[FINGERPRINT_BYTES:]
        for secret in self.secrets:
            if hmac.compare_digest(_fingerprint(secret), fingerprint):
                cipher = AESGCM(_derive(secret, purpose.encode()))
                try:
                    return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound_to)
                except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
                    break
        raise UndecryptableError(
            f"none of AUTH_SECRET_KEYS opens the {purpose} in the database: put the secret it was "
            "made with back, behind a comma where another one is first"
        )


def _mac(secret: bytes, purpose: str, salt: bytes, message: bytes) -> bytes:
    key = _derive(secret, purpose.encode())
    if salt:
        key = hmac.digest(key, salt, "sha256")
    return hmac.digest(key, message, "sha256")


def _fingerprint(secret: bytes) -> bytes:
    return hashlib.sha256(b"auth-service/fingerprint" + secret).digest()[:FINGERPRINT_BYTES]
