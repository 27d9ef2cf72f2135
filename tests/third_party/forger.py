"""Forgeries made without the service's key, from what everybody can see."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def written(members: dict[str, Any]) -> str:
    return base64url(json.dumps(members).encode())


def read(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def new_key(algorithm: str) -> Any:
    """A key pair of the kind the service has, as a ``jose`` key object."""
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return jwk.construct(pem, algorithm)


@dataclass(frozen=True)
class Forger:
    """Somebody with a good token, one that has expired, and the published key."""

    token: str
    expired: str
    published: dict[str, str]

    def forgeries(self) -> dict[str, str]:
        """All they try, by name."""
        header, payload, tail = self.token.split(".")
        other = tail[:9] + ("B" if tail[9] == "A" else "A") + tail[10:]
        more = written(read(payload) | {"roles": ["admin"]})
        none = self._header(alg="none")
        return {
            "expired": self.expired,
            "wrong-signature": f"{header}.{payload}.{other}",
            "no-signature": f"{header}.{payload}.",
            "other-payload": f"{header}.{more}.{tail}",
            "alg-none": f"{none}.{more}.",
            "alg-none-signed": f"{none}.{more}.{tail}",
            "mac-with-the-public-key": self._mac_with_the_public_key(more),
            "own-key": self._with_own_key(more),
            "own-key-unknown-kid": self._with_own_key(more, kid="somebody"),
            "own-key-embedded": self._with_own_key(more, embedded=True),
        }

    def _header(self, **changes: object) -> str:
        return written(read(self.token.split(".")[0]) | changes)

    def _mac_with_the_public_key(self, payload: str) -> str:
        pem = jwk.construct(self.published, self.published["alg"]).to_pem()
        secret = jwk.construct({"kty": "oct", "k": base64url(pem)}, "HS256")
        message = f"{self._header(alg='HS256')}.{payload}"
        return f"{message}.{base64url(secret.sign(message.encode()))}"

    def _with_own_key(self, payload: str, *, embedded: bool = False, **changes: object) -> str:
        key = new_key(self.published["alg"])
        if embedded:
            members = key.public_key().to_dict()
            changes["jwk"] = {
                n: v.decode() if isinstance(v, bytes) else v for n, v in members.items()
            }
        message = f"{self._header(**changes)}.{payload}"
        return f"{message}.{base64url(key.sign(message.encode()))}"
