"""The header: one algorithm, one type, one of our keys, and nothing that asks for more."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwk

from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import StrictCheck
from tests.verifier.token_maker import (
    AUDIENCE,
    CLAIMS,
    HEADER,
    ISSUER,
    KEYS,
    KID,
    NOW,
    PRIVATE,
    base64url,
    refused_at,
    strict_check,
    token,
)

PAYLOAD = base64url(json.dumps(CLAIMS).encode())


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in HEADER.items() if key != name}


@pytest.mark.parametrize(
    "alg",
    [
        "none", "None", "NONE", "", "HS256", "RS256", "ES384", "ES512", "PS256", "EdDSA", "es256",
        "ES256 ", "ES521", None, 1, True, [], ["ES256"], {"alg": "ES256"},
    ],
)  # fmt: skip
def test_any_algorithm_but_the_configured_one_is_refused(alg: object) -> None:
    assert refused_at(token(HEADER | {"alg": alg})) == "alg"


def test_a_header_without_an_algorithm_is_refused() -> None:
    assert refused_at(token(without("alg"))) == "alg"


@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_refused(signature: str) -> None:
    header = base64url(json.dumps(HEADER | {"alg": "none"}).encode())
    assert refused_at(f"{header}.{PAYLOAD}.{signature}") in {"form", "alg"}


def public_key_spellings() -> list[bytes]:
    public = PRIVATE.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [
        pem,
        pem.strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        json.dumps(jwk.construct(pem, "ES256").to_dict()).encode(),
    ]


@pytest.mark.parametrize("secret", public_key_spellings())
def test_the_public_key_is_no_hmac_secret(secret: bytes) -> None:
    header = base64url(json.dumps(HEADER | {"alg": "HS256"}).encode())
    tag = hmac.digest(secret, f"{header}.{PAYLOAD}".encode(), hashlib.sha256)
    assert refused_at(f"{header}.{PAYLOAD}.{base64url(tag)}") == "alg"


@pytest.mark.parametrize("secret", public_key_spellings())
def test_an_hmac_under_the_name_of_the_right_algorithm_is_refused(secret: bytes) -> None:
    header = base64url(json.dumps(HEADER).encode())
    tag = hmac.digest(secret, f"{header}.{PAYLOAD}".encode(), hashlib.sha512)
    assert refused_at(f"{header}.{PAYLOAD}.{base64url(tag)}") == "signature"


def test_a_key_of_another_algorithm_verifies_nothing() -> None:
    rs256 = StrictCheck(issuer=ISSUER, audience=AUDIENCE, algorithm="RS256", now=lambda: NOW)
    with pytest.raises(InvalidTokenError, match="alg"):
        rs256.verify(token(), KEYS)
    header = base64url(json.dumps(HEADER | {"alg": "RS256"}).encode())
    with pytest.raises(InvalidTokenError, match="signature"):
        rs256.verify(f"{header}.{PAYLOAD}.{base64url(bytes(384))}", KEYS)


def test_an_algorithm_that_is_not_supported_cannot_be_configured() -> None:
    with pytest.raises(ValueError, match="not a supported algorithm"):
        StrictCheck(issuer=ISSUER, audience=AUDIENCE, algorithm="none", now=lambda: NOW)


@pytest.mark.parametrize(
    "typ", ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+JWT"]
)
def test_the_type_of_access_tokens_is_accepted_in_every_spelling(typ: str) -> None:
    assert refused_at(token(HEADER | {"typ": typ})) == "nothing"


@pytest.mark.parametrize(
    "typ",
    [
        "JWT", "jwt", "", "at", "at+jwt ", " at+jwt", "at+jwt;x", "id+jwt", "text/at+jwt",
        "application/application/at+jwt", "application/", "application/jwt",
        None, 1, True, ["at+jwt"],
    ],
)  # fmt: skip
def test_every_other_type_is_refused(typ: object) -> None:
    assert refused_at(token(HEADER | {"typ": typ})) == "typ"


def test_a_header_without_a_type_is_refused() -> None:
    assert refused_at(token(without("typ"))) == "typ"


@pytest.mark.parametrize(
    "kid", ["", "another-key", "the-key ", "../the-key", "\0", "\ud800", "x" * 3000]
)
def test_an_unknown_key_is_refused(kid: str) -> None:
    assert refused_at(token(HEADER | {"kid": kid})) == "kid"


@pytest.mark.parametrize("kid", [None, 1, True, [KID], {"kid": KID}])
def test_a_key_name_that_is_no_string_is_refused(kid: object) -> None:
    assert refused_at(token(HEADER | {"kid": kid})) == "kid"


def test_a_header_without_a_key_name_is_refused_even_where_there_is_one_key() -> None:
    assert refused_at(token(without("kid"))) == "kid"


def test_where_there_is_no_key_everything_is_refused() -> None:
    with pytest.raises(InvalidTokenError, match="kid"):
        strict_check().verify(token(), {})


FOREIGN = jwk.construct(
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "ES256",
).to_dict()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crit", ["exp"]),
        ("crit", []),
        ("crit", None),
        ("b64", False),
        ("b64", True),
        ("jwk", FOREIGN),
        ("jwk", None),
        ("jku", "http://127.0.0.1:1/jwks.json"),
        ("x5u", "http://127.0.0.1:1/key.pem"),
        ("x5c", ["MII="]),
        ("zip", "DEF"),
    ],
)
def test_a_header_that_asks_for_more_is_refused(name: str, value: object) -> None:
    assert refused_at(token(HEADER | {name: value})) == "header"


def test_a_member_that_asks_for_nothing_is_ignored() -> None:
    assert refused_at(token(HEADER | {"cty": "x", "x5t": "y", "zzz": [1]})) == "nothing"
