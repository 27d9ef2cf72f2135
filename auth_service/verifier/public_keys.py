"""Public keys: read from a JWK Set (RFC 7517), and verifying signatures (RFC 7518 section 3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from auth_service.verifier.compact import decode_part
from auth_service.verifier.errors import InvalidTokenError, UnusableKeyError
from auth_service.verifier.strict import PublicKey
from auth_service.verifier.strict_json import parse_strict_json

_SHA256: Final = SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)
_PKCS1: Final = padding.PKCS1v15()
_COORDINATE_BYTES: Final = 32
# Under 2048 bits a signature can be forged (RFC 7518 section 3.3); far over, checking one takes
# longer than anybody has.
_RSA_BITS: Final = range(2048, 8193)
_RSA_EXPONENTS: Final = range(65537, 2**32, 2)


@dataclass(frozen=True, slots=True)
class Es256Key:
    """ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4). Equal keys are equal objects."""

    key: ec.EllipticCurvePublicKey

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature, two numbers of 32 bytes, is this key's over the message."""
        if len(sig) != 2 * _COORDINATE_BYTES:
            return False
        r, s = sig[:_COORDINATE_BYTES], sig[_COORDINATE_BYTES:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        try:
            self.key.verify(der, msg, _ECDSA)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Rs256Key:
    """RSA of PKCS #1 v1.5 with SHA-256 (RFC 7518 section 3.3). Equal keys are equal objects."""

    key: rsa.RSAPublicKey

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature, as long as the modulus, is this key's over the message."""
        try:
            self.key.verify(sig, msg, _PKCS1, _SHA256)
        except InvalidSignature:
            return False
        return True


def published_keys(document: bytes, algorithm: str) -> dict[str, PublicKey]:
    """The keys of a JWK Set by ``kid``; what is not usable is left out.

    Raises:
        UnusableKeyError: it is no JWK Set, two usable keys share a name, or not one is usable.
    """
    found: dict[str, PublicKey] = {}
    for jwk in _members_of(document):
        try:
            key = public_key(jwk, algorithm)
        except UnusableKeyError:
            continue
        if found.setdefault(jwk["kid"], key) != key:
            raise UnusableKeyError("two keys share a name")
    if not found:
        raise UnusableKeyError("none of the keys is usable")
    return found


def _members_of(document: bytes) -> list[Any]:
    try:
        keys = parse_strict_json(document)["keys"]
    except (KeyError, TypeError, ValueError) as fault:
        raise UnusableKeyError("it is no JWK Set") from fault
    if not isinstance(keys, list):
        raise UnusableKeyError("it is no JWK Set")
    return keys


def public_key(jwk: Mapping[str, Any], algorithm: str) -> PublicKey:
    """The key of a JWK that may verify signatures of this algorithm, which is all it is for.

    Raises:
        UnusableKeyError: it has no name, is of another kind, for another use, too weak, private
            or broken.
    """
    try:
        _refuse_other_uses(jwk, algorithm)
        return _READERS[algorithm](jwk)
    except (InvalidTokenError, KeyError, TypeError, ValueError) as fault:
        raise UnusableKeyError("it is not a key for this") from fault


def _refuse_other_uses(jwk: Mapping[str, Any], algorithm: str) -> None:
    if not isinstance(jwk["kid"], str) or not jwk["kid"]:
        raise UnusableKeyError("it has no name")
    if jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise UnusableKeyError("it is for something else")
    if "verify" not in jwk.get("key_ops", ["verify"]):
        raise UnusableKeyError("it is for something else")
    if "d" in jwk:
        raise UnusableKeyError("a private key that was published is anybody's")


def _es256_key(jwk: Mapping[str, Any]) -> PublicKey:
    if (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
        raise UnusableKeyError("it is of another kind")
    x, y = decode_part(jwk["x"]), decode_part(jwk["y"])
    if len(x) != _COORDINATE_BYTES or len(y) != _COORDINATE_BYTES:
        raise UnusableKeyError("a coordinate has another length")
    return Es256Key(
        ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        ).public_key()
    )


def _rs256_key(jwk: Mapping[str, Any]) -> PublicKey:
    if jwk["kty"] != "RSA":
        raise UnusableKeyError("it is of another kind")
    n, e = (int.from_bytes(decode_part(jwk[name]), "big") for name in ("n", "e"))
    if n.bit_length() not in _RSA_BITS or e not in _RSA_EXPONENTS:
        raise UnusableKeyError("it is too weak, or too large to be checked with")
    return Rs256Key(rsa.RSAPublicNumbers(e, n).public_key())


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], PublicKey]]] = {
    "ES256": _es256_key,
    "RS256": _rs256_key,
}
