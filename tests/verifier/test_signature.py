"""The signature: raw, whole, and over exactly what was sent."""

import json
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.verifier.token_maker import (
    CLAIMS,
    HEADER,
    PRIVATE,
    SIGNER,
    base64url,
    refused_at,
    token,
)

INPUT = ".".join(base64url(json.dumps(part).encode()) for part in (HEADER, CLAIMS))
RAW: bytes = SIGNER.sign(INPUT.encode())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EDGES = (0, 1, ORDER - 1, ORDER, 2**256 - 1)


def refused_with(signature: bytes) -> str:
    return refused_at(f"{INPUT}.{base64url(signature)}")


def test_the_raw_signature_passes() -> None:
    assert refused_with(RAW) == "nothing"


def test_an_empty_signature_is_refused() -> None:
    assert refused_at(f"{INPUT}.") == "form"


def test_a_signature_in_der_is_refused() -> None:
    assert refused_with(PRIVATE.sign(INPUT.encode(), ec.ECDSA(SHA256()))) == "signature"


@pytest.mark.parametrize("length", [1, 32, 63])
def test_a_signature_cut_short_is_refused(length: int) -> None:
    assert refused_with(RAW[:length]) == "signature"


@pytest.mark.parametrize("extended", [RAW + b"\0", b"\0" + RAW, RAW * 2, b"\0" + RAW[:32] + RAW])
def test_a_signature_made_longer_is_refused(extended: bytes) -> None:
    assert refused_with(extended) == "signature"


@pytest.mark.parametrize(("r", "s"), list(product(EDGES, EDGES)))
def test_the_edges_of_the_curve_are_no_signature(r: int, s: int) -> None:
    assert refused_with(r.to_bytes(32, "big") + s.to_bytes(32, "big")) == "signature"


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0)])
def test_half_a_signature_is_none(r: int, s: int) -> None:
    assert refused_with(RAW[:32] * r + bytes(32) + RAW[32:] * s) == "signature"


def test_the_halves_the_other_way_round_are_refused() -> None:
    assert refused_with(RAW[32:] + RAW[:32]) == "signature"


def test_a_signature_of_another_token_is_refused() -> None:
    other = token(jti="another").rpartition(".")[2]
    assert refused_at(f"{INPUT}.{other}") == "signature"


def test_a_signature_by_another_key_is_refused() -> None:
    other = type(SIGNER)(ec.generate_private_key(ec.SECP256R1()), "ES256")
    assert refused_with(other.sign(INPUT.encode())) == "signature"


def test_the_signature_is_checked_before_the_claims_are_read() -> None:
    assert refused_at(f"{base64url(json.dumps(HEADER).encode())}.bm90IGpzb24.{'A' * 86}") == (
        "signature"
    )
