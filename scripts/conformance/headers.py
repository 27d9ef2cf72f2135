"""Headers that ask for another algorithm, type or key, or for more than a validator does."""

import hashlib
import hmac
from collections.abc import Iterator

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scripts.conformance.case import Case, beyond, invalid
from scripts.conformance.token_maker import (
    CLAIMS,
    FIRST,
    HEADER,
    STRANGER,
    base64url,
    headed,
    part,
    public_jwk,
    signed,
    to_json,
    without,
)

_ELSEWHERE = "https://evil.example.net"


def misheaded() -> Iterator[Case]:
    """Every token whose header is to be refused."""
    yield from _other_algorithms()
    yield from _macs_with_the_public_key()
    yield from _other_types()
    yield from _other_keys()
    yield from _embedded_keys()
    yield from _extensions()


def _with_alg(alg: object, tail: bytes) -> str:
    return f"{part(HEADER | {'alg': alg})}.{part(CLAIMS)}.{base64url(tail)}"


def _other_algorithms() -> Iterator[Case]:
    for alg in ("none", "None", "NONE"):
        name = {"none": "lower", "None": "title", "NONE": "upper"}[alg]
        yield invalid(f"alg-none-{name}", "form", "unsigned (RFC 8725 3.2)", _with_alg(alg, b""))
    signed_none = headed(alg="none")
    yield invalid("alg-none-signed", "alg", "none, with a signature all the same", signed_none)
    yield invalid("alg-missing", "alg", "no alg", signed(without(HEADER, "alg")))
    yield invalid("alg-empty", "alg", "an empty alg", headed(alg=""))
    yield invalid("alg-lower-case", "alg", "alg has a case", headed(alg="es256"))
    yield invalid("alg-null", "alg", "alg is null", headed(alg=None))
    yield invalid("alg-list", "alg", "alg is a list", headed(alg=["ES256"]))
    for alg, size in (("RS256", 256), ("PS256", 256), ("ES384", 96), ("ES512", 132), ("EdDSA", 64)):
        tail = hashlib.shake_256(alg.encode()).digest(size)
        yield invalid(f"alg-{alg.lower()}", "alg", "an algorithm not in use", _with_alg(alg, tail))
    for alg in ("ES384", "ES256K"):
        comment = "another name over a signature that is right"
        yield invalid(f"alg-{alg.lower()}-renamed", "alg", comment, headed(alg=alg))


def _macs_with_the_public_key() -> Iterator[Case]:
    public = FIRST.public_key()
    spellings = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "jwk": to_json(public_jwk(FIRST)),
    }
    message = f"{part(HEADER | {'alg': 'HS256'})}.{part(CLAIMS)}"
    for name, secret in (*spellings.items(), ("empty", b"")):
        comment = f"an HMAC; its secret is the public key ({name})" if secret else "an empty secret"
        tail = base64url(hmac.digest(secret, message.encode(), "sha256"))
        yield invalid(f"alg-hs256-{name}", "alg", comment, f"{message}.{tail}")


def _other_types() -> Iterator[Case]:
    comment = "what RFC 9068 section 4 has refused"
    yield invalid("typ-missing", "typ", "no typ", signed(without(HEADER, "typ")))
    yield invalid("typ-jwt", "typ", comment, headed(typ="JWT"))
    yield invalid("typ-empty", "typ", comment, headed(typ=""))
    yield invalid("typ-null", "typ", comment, headed(typ=None))
    yield invalid("typ-list", "typ", comment, headed(typ=["at+jwt"]))
    yield invalid("typ-other", "typ", comment, headed(typ="logout+jwt"))
    yield invalid("typ-space", "typ", "a space after it", headed(typ="at+jwt "))
    yield invalid("typ-other-tree", "typ", "another top-level type", headed(typ="text/at+jwt"))
    identity = without(CLAIMS, "sid", "roles", "scope") | {"nonce": "n", "at_hash": "h"}
    token = signed(HEADER | {"typ": "JWT"}, identity)
    yield invalid("typ-id-token", "typ", "an ID token for the same audience", token)


def _other_keys() -> Iterator[Case]:
    stranger = signed(HEADER | {"kid": "nobody"}, CLAIMS, STRANGER)
    yield invalid("kid-unknown", "kid", "a key that is not published, by its name", stranger)
    comment = "signed with a published key"
    yield beyond("kid-unknown-known-key", "kid", f"unknown, but {comment}", headed(kid="nobody"))
    yield beyond("kid-missing", "kid", f"no kid, but {comment}", signed(without(HEADER, "kid")))
    yield beyond("kid-empty", "kid", f"empty, but {comment}", headed(kid=""))
    for name, kid in (("null", None), ("number", 1), ("list", ["conformance-1"])):
        yield invalid(f"kid-{name}", "kid", "kid is a string (RFC 7515 4.1.4)", headed(kid=kid))
    path = headed(kid="../../../../dev/null")
    yield beyond("kid-path", "kid", "a path; nothing must be opened", path)


def _embedded_keys() -> Iterator[Case]:
    key = public_jwk(STRANGER)
    members: dict[str, object] = {
        "jwk": key,
        "jku": f"{_ELSEWHERE}/jwks.json",
        "x5u": f"{_ELSEWHERE}/key.pem",
        "x5c": ["MIIB"],
    }
    for name, value in members.items():
        forged = signed(HEADER | {name: value}, CLAIMS, STRANGER)
        yield invalid(f"{name}-forged", "header", f"signed with the key that {name} names", forged)
        comment = f"{name} names another key than the right one it is signed with"
        yield beyond(f"{name}-ignored", "header", comment, headed(**{name: value}))
    unnamed = signed(without(HEADER, "kid") | {"jwk": key}, CLAIMS, STRANGER)
    yield invalid("jwk-forged-no-kid", "header", "jwk, and no kid beside it", unnamed)
    renamed = signed(HEADER | {"kid": "nobody", "jwk": key}, CLAIMS, STRANGER)
    yield invalid("jwk-forged-other-kid", "header", "jwk, and a kid of its own", renamed)


def _extensions() -> Iterator[Case]:
    must = "critical, and unknown (RFC 7515 section 4.1.11)"
    yield invalid("crit-unknown", "header", must, headed(crit=["x"], x=1))
    yield invalid("crit-absent", "header", "names a member that is not there", headed(crit=["x"]))
    yield invalid("crit-no-list", "header", "crit is a list", headed(crit="x", x=1))
    yield invalid("crit-numbers", "header", "crit is a list of strings", headed(crit=[1]))
    yield beyond("crit-empty", "header", "crit must not be written empty", headed(crit=[]))
    yield beyond("crit-null", "header", "crit is null", headed(crit=None))
    critical = headed(crit=["b64"], b64=False)
    yield invalid("b64-critical", "header", "never in a JWT (RFC 7797 section 7)", critical)
    yield beyond("b64-alone", "header", "b64 without crit", headed(b64=False))
    yield beyond("zip", "header", "zip belongs to JWE", headed(zip="DEF"))
