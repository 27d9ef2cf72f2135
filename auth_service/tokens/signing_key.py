"""A signing key: made, wrapped for the database, and opened again for use."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jose import jwk

from auth_service.core.secrets import Keyring
from auth_service.setting_types import JwtAlgorithm
from auth_service.tokens.models import PRIVATE_KEY
from auth_service.verifier.compact import encode_part
from auth_service.verifier.public_keys import public_key
from auth_service.verifier.strict import PublicKey

RSA_BITS: Final = 3072
_THUMBPRINT_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


KeyState = Literal["next", "active", "retired"]
"""Published and not signing yet; signing; no longer signing, and verifying still."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key pair as the database keeps it: the private half is ciphertext.

    ``signs_from`` is when it signs, or may begin to; ``token_seconds`` the longest life of the
    tokens it signed; ``published_until`` when a retired one goes.
    """

    kid: str
    algorithm: str
    state: KeyState
    public_jwk: dict[str, str]
    private_key: bytes
    created_at: datetime
    signs_from: datetime
    token_seconds: int = 0
    retired_at: datetime | None = None
    published_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key ready to sign. ``key`` is a ``jose`` key object, made once."""

    kid: str
    algorithm: str
    key: Any

    def sign(self, message: bytes) -> bytes:
        """The JWS signature of the message (RFC 7518 section 3)."""
        signature: bytes = self.key.sign(message)
        return signature


def new_key(algorithm: JwtAlgorithm, keyring: Keyring, now: datetime) -> StoredKey:
    """A new key pair (P-256, or RSA of 3072 bits), its private half encrypted; signs at once."""
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm is JwtAlgorithm.ES256:
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = _public_members(jwk.construct(pem, algorithm.value).public_key().to_dict())
    kid = thumbprint(public)
    return StoredKey(
        kid=kid,
        algorithm=algorithm.value,
        state="active",
        public_jwk=public,
        private_key=keyring.encrypt(PRIVATE_KEY.purpose, pem, bound_to=kid.encode()),
        created_at=now,
        signs_from=now,
    )


def open_signer(stored: StoredKey, keyring: Keyring) -> Signer:
    """The private half, decrypted.

    Raises:
        UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens it.
    """
    pem = keyring.decrypt(
        PRIVATE_KEY.purpose, stored.private_key, bound_to=PRIVATE_KEY.bound_to(stored.kid)
    )
    return Signer(stored.kid, stored.algorithm, jwk.construct(pem, stored.algorithm))


def open_public(stored: StoredKey) -> PublicKey:
    """The public half as a key object that verifies."""
    return public_key(published(stored), stored.algorithm)


def published(stored: StoredKey) -> dict[str, str]:
    """The key as other services see it (RFC 7517 section 4): nothing private."""
    return stored.public_jwk | {"kid": stored.kid, "alg": stored.algorithm, "use": "sig"}


def thumbprint(public: dict[str, str]) -> str:
    """The JWK thumbprint (RFC 7638), which serves as ``kid``."""
    members = ",".join(f'"{m}":"{public[m]}"' for m in _THUMBPRINT_MEMBERS[public["kty"]])
    digest = Hash(SHA256())
    digest.update(f"{{{members}}}".encode("ascii"))
    return encode_part(digest.finalize())


def _public_members(found: dict[str, Any]) -> dict[str, str]:
    return {
        name: value.decode("ascii") if isinstance(value, bytes) else value
        for name, value in found.items()
        if name in _THUMBPRINT_MEMBERS[found["kty"]]
    }
