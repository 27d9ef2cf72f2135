"""Access tokens made by hand: any header, any payload, signed all the same."""

import base64
import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk

from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import PublicKey, StrictCheck

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"
NOW: Final = 1_800_000_000
KID: Final = "the-key"
PRIVATE: Final = ec.generate_private_key(ec.SECP256R1())
_PEM: Final = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SIGNER: Final[Any] = jwk.construct(_PEM, "ES256")
KEYS: Final[dict[str, PublicKey]] = {KID: SIGNER.public_key()}
HEADER: Final = {"alg": "ES256", "kid": KID, "typ": "at+jwt"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "sub": "somebody",
    "aud": AUDIENCE,
    "exp": NOW + 900,
    "iat": NOW,
    "jti": "a-token",
}


def strict_check(now: float = NOW) -> StrictCheck:
    return StrictCheck(issuer=ISSUER, audience=AUDIENCE, algorithm="ES256", now=lambda: now)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: bytes, payload: bytes) -> str:
    """A token of these exact bytes with a signature that is right."""
    signing_input = f"{base64url(header)}.{base64url(payload)}"
    return f"{signing_input}.{base64url(SIGNER.sign(signing_input.encode()))}"


def token(header: dict[str, Any] | None = None, /, **claims: Any) -> str:
    """A token that passes, but for what the header or the claims say otherwise."""
    return signed(
        json.dumps(HEADER if header is None else header).encode(),
        json.dumps(CLAIMS | claims).encode(),
    )


def token_without(*names: str) -> str:
    left = {name: value for name, value in CLAIMS.items() if name not in names}
    return signed(json.dumps(HEADER).encode(), json.dumps(left).encode())


def with_raw_claim(name: str, spelling: str) -> str:
    """A token with one claim spelled in JSON by hand."""
    rest = json.dumps({key: value for key, value in CLAIMS.items() if key != name})
    return signed(json.dumps(HEADER).encode(), f'{rest[:-1]}, "{name}": {spelling}}}'.encode())


def refused_at(text: str, *, now: float = NOW) -> str:
    """The check at which a token is refused, or "nothing"."""
    try:
        strict_check(now).verify(text, KEYS)
    except InvalidTokenError as refusal:
        return refusal.check
    return "nothing"
