"""The test keys, and tokens of any content signed with them."""

import base64
import hashlib
import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"
YEAR_2020, YEAR_2026, YEAR_2099, YEAR_2100 = 1577836800, 1767225600, 4070908800, 4102444800
REQUIRED: Final = ("iss", "aud", "exp", "iat", "sub", "jti")
HEADER: Final[dict[str, Any]] = {"alg": "ES256", "typ": "at+jwt", "kid": "conformance-1"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "sub": "01900000-0000-7000-8000-000000000001",
    "aud": AUDIENCE,
    "exp": YEAR_2100,
    "iat": YEAR_2026,
    "jti": "01900000-0000-7000-8000-000000000002",
    "client_id": "auth-service",
    "sid": "01900000-0000-7000-8000-000000000003",
    "auth_time": YEAR_2026,
    "amr": ["pwd"],
    "roles": ["user"],
    "scope": "",
    "email_verified": True,
}

Content = dict[str, Any] | bytes
"""A part of a token: members, or the exact bytes."""


def key_of(name: str) -> ec.EllipticCurvePrivateKey:
    """A PRIVATE TEST KEY that everybody can make. It must never sign for anything real."""
    digest = hashlib.sha256(f"auth_service conformance test key {name}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest, "big"), ec.SECP256R1())


FIRST: Final = key_of("1")
SECOND: Final = key_of("2")
STRANGER: Final = key_of("that nobody publishes")


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half (RFC 7518 section 6.2)."""
    numbers = key.public_key().public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_json(content: object) -> bytes:
    """JSON without spaces, in UTF-8."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def part(content: Content) -> str:
    """A part of a token."""
    return base64url(content if isinstance(content, bytes) else to_json(content))


def der_signature(message: str, key: ec.EllipticCurvePrivateKey = FIRST) -> bytes:
    """The ECDSA signature as X.509 has it, the same for the same message (RFC 6979)."""
    return key.sign(message.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))


def signature(message: str, key: ec.EllipticCurvePrivateKey = FIRST) -> bytes:
    """The same as a JWS has it: R and S, 32 bytes each (RFC 7518 section 3.4)."""
    r, s = utils.decode_dss_signature(der_signature(message, key))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(
    header: Content = HEADER, payload: Content = CLAIMS, key: ec.EllipticCurvePrivateKey = FIRST
) -> str:
    """A token of exactly this content whose signature is right."""
    message = f"{part(header)}.{part(payload)}"
    return f"{message}.{base64url(signature(message, key))}"


def headed(**members: object) -> str:
    """A good token but for these members of its header."""
    return signed(HEADER | members)


def claiming(**claims: object) -> str:
    """A good token but for these claims."""
    return signed(payload=CLAIMS | claims)


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """The same, less some of its members."""
    return {name: value for name, value in members.items() if name not in names}


def spelling(name: str, value: str) -> str:
    """A good token but for one claim, which is spelled in JSON by hand."""
    return signed(payload=to_json(without(CLAIMS, name))[:-1] + f',"{name}":{value}}}'.encode())
