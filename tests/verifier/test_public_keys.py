"""A published key is used for the one thing it is for, or not at all."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jose import jwk as jose_jwk

from auth_service.verifier.errors import UnusableKeyError
from auth_service.verifier.public_keys import Es256Key, Rs256Key, public_key, published_keys
from tests.verifier.loopback_issuer import KEY, IssuerKey
from tests.verifier.token_maker import SIGNER, base64url

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(private: rsa.RSAPrivateKey = RSA, **changes: Any) -> dict[str, Any]:
    numbers = private.public_key().public_numbers()
    found = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "kid": "rsa"}
    return found | {"alg": "RS256", "use": "sig"} | changes


def without(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in jwk.items() if member != name}


def document(*jwks: Any) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def test_an_elliptic_key_verifies_what_it_signed() -> None:
    key = public_key(KEY.jwk(), "ES256")
    assert isinstance(key, Es256Key)
    assert key.verify(b"message", SIGNER.sign(b"message"))
    assert not key.verify(b"another", SIGNER.sign(b"message"))


def test_an_rsa_key_verifies_what_it_signed() -> None:
    key = public_key(rsa_jwk(), "RS256")
    assert isinstance(key, Rs256Key)
    signature = RSA.sign(b"message", padding.PKCS1v15(), SHA256())
    assert key.verify(b"message", signature)
    assert not key.verify(b"another", signature)


@pytest.mark.parametrize("changed", [b"", b"\0", SIGNER.sign(b"m")[:-1], SIGNER.sign(b"m") + b"\0"])
def test_a_signature_of_another_length_is_none(changed: bytes) -> None:
    assert not public_key(KEY.jwk(), "ES256").verify(b"m", changed)


@pytest.mark.parametrize("length", [0, 1, 255, 257, 384])
def test_an_rsa_signature_of_another_length_is_none(length: int) -> None:
    assert not public_key(rsa_jwk(), "RS256").verify(b"m", bytes(length))


def test_a_signature_with_another_padding_is_none() -> None:
    pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
    assert not public_key(rsa_jwk(), "RS256").verify(b"m", RSA.sign(b"m", pss, SHA256()))


def test_keys_that_are_equal_are_known_to_be() -> None:
    assert public_key(KEY.jwk(), "ES256") == public_key(KEY.jwk(use="sig"), "ES256")
    assert public_key(KEY.jwk(), "ES256") != public_key(IssuerKey(KEY.kid).jwk(), "ES256")
    assert public_key(rsa_jwk(), "RS256") == public_key(rsa_jwk(), "RS256")


def test_the_keys_agree_with_those_of_jose() -> None:
    signature = jose_jwk.construct(KEY.jwk(), "ES256").verify(b"m", SIGNER.sign(b"m"))
    assert signature is public_key(KEY.jwk(), "ES256").verify(b"m", SIGNER.sign(b"m"))


@pytest.mark.parametrize("name", ["alg", "use"])
def test_what_may_be_missing_may_be_missing(name: str) -> None:
    assert public_key(without(KEY.jwk(), name), "ES256") == public_key(KEY.jwk(), "ES256")


@pytest.mark.parametrize("name", ["kid", "kty", "crv", "x", "y"])
def test_a_key_that_lacks_a_member_is_unusable(name: str) -> None:
    with pytest.raises(UnusableKeyError):
        public_key(without(KEY.jwk(), name), "ES256")


LEADING = {"x": KEY.jwk()["y"], "y": KEY.jwk()["x"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": ""}, {"kid": 1}, {"kid": None}, {"kid": ["a"]},
        {"kty": "RSA"}, {"kty": "ec"}, {"kty": "OKP"}, {"kty": None}, {"kty": ["EC"]},
        {"crv": "P-384"}, {"crv": "secp256k1"}, {"crv": "p-256"}, {"crv": None},
        {"alg": "RS256"}, {"alg": "none"}, {"alg": "HS256"}, {"alg": None}, {"alg": ["ES256"]},
        {"use": "enc"}, {"use": None}, {"use": ["sig"]},
        {"key_ops": ["sign"]}, {"key_ops": []}, {"key_ops": None}, {"key_ops": 1},
        {"d": base64url(bytes(32))},
        {"x": base64url(bytes(32))}, {"x": base64url(bytes(31))}, {"x": base64url(bytes(33))},
        {"x": ""}, {"x": 1}, {"x": None}, {"x": KEY.jwk()["x"] + "="}, {"x": "é"},
        {"x": base64url(b"\xff" * 32), "y": base64url(b"\xff" * 32)},
        LEADING,
    ],
    ids=",".join,
)  # fmt: skip
def test_a_key_that_is_not_for_this_is_unusable(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableKeyError):
        public_key(KEY.jwk(**changes), "ES256")


def test_a_key_may_say_that_it_verifies() -> None:
    assert public_key(KEY.jwk(key_ops=["verify"]), "ES256")


@pytest.mark.parametrize(
    "changes",
    [
        {"e": number(3)}, {"e": number(65538)}, {"e": number(2**32 + 1)}, {"e": ""}, {"e": 65537},
        {"n": number(2**2047 - 1)}, {"n": number(2**8192 + 1)}, {"n": ""}, {"n": None},
        {"d": number(5)}, {"alg": "ES256"}, {"alg": "RS384"}, {"alg": "PS256"}, {"kty": "EC"},
    ],
    ids=",".join,
)  # fmt: skip
def test_an_rsa_key_that_is_not_for_this_is_unusable(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableKeyError):
        public_key(rsa_jwk(**changes), "RS256")


def test_a_key_too_weak_is_unusable() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - just so
    with pytest.raises(UnusableKeyError):
        public_key(rsa_jwk(weak), "RS256")


def test_a_key_of_the_other_algorithm_is_left_out() -> None:
    both = document(KEY.jwk(), rsa_jwk())
    assert set(published_keys(both, "ES256")) == {KEY.kid}
    assert set(published_keys(both, "RS256")) == {"rsa"}


def test_what_is_unusable_spoils_nothing_for_the_rest() -> None:
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    foreign = {"kty": "EC", "crv": "P-384", "kid": KEY.kid, "x": number(other_curve.x)}
    mixed = document(1, None, [], "key", {}, foreign, {"kty": "oct", "k": "AA"}, KEY.jwk())
    assert published_keys(mixed, "ES256") == {KEY.kid: public_key(KEY.jwk(), "ES256")}


def test_one_key_twice_is_one_key() -> None:
    assert len(published_keys(document(KEY.jwk(), KEY.jwk()), "ES256")) == 1


def test_two_keys_of_one_name_are_none() -> None:
    with pytest.raises(UnusableKeyError, match="share a name"):
        published_keys(document(KEY.jwk(), IssuerKey(KEY.kid).jwk()), "ES256")
