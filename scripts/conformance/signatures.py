"""Signatures that are not the right one over this header and payload."""

from collections.abc import Iterator

from scripts.conformance.case import Case, invalid
from scripts.conformance.token_maker import (
    CLAIMS,
    HEADER,
    SECOND,
    STRANGER,
    base64url,
    der_signature,
    part,
    signature,
    signed,
)

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MESSAGE = f"{part(HEADER)}.{part(CLAIMS)}"


def missigned() -> Iterator[Case]:
    """Every token whose signature is wrong."""
    stranger = signed(key=STRANGER)
    yield _wrong("stranger", "by a key that is not published", stranger)
    yield _wrong("other-key", "by the other published key", signed(key=SECOND))
    yield from _of_another_token()
    yield from _of_another_shape()


def _wrong(name: str, comment: str, token: str) -> Case:
    return invalid(f"signature-{name}", "signature", comment, token)


def _of_another_token() -> Iterator[Case]:
    header, payload, tail = signed().split(".")
    admin = part(CLAIMS | {"roles": ["admin"]})
    yield _wrong("payload-swapped", "another payload under it", f"{header}.{admin}.{tail}")
    other = part(HEADER | {"x": 1})
    yield _wrong("header-swapped", "another header over it", f"{other}.{payload}.{tail}")
    only = base64url(signature(payload))
    yield _wrong("payload-only", "over the payload alone", f"{header}.{payload}.{only}")
    yield invalid("signature-empty", "form", "none, the dot before it kept", f"{header}.{payload}.")


def _of_another_shape() -> Iterator[Case]:
    good = signature(_MESSAGE)
    zero, one, order = bytes(32), (1).to_bytes(32, "big"), _ORDER.to_bytes(32, "big")
    for name, comment, data in (
        ("der", "DER, as X.509 has it", der_signature(_MESSAGE)),
        ("cut", "a byte too short", good[:-1]),
        ("half", "R alone", good[:32]),
        ("longer", "a byte too long", good + b"\0"),
        ("shifted", "a zero byte before it, the last byte lost", b"\0" + good[:-1]),
        ("swapped", "S before R", good[32:] + good[:32]),
        ("zero", "all zeros (CVE-2022-21449)", zero + zero),
        ("r-zero", "R is zero", zero + good[32:]),
        ("s-zero", "S is zero", good[:32] + zero),
        ("one", "R and S are one", one + one),
        ("order", "R and S are the order of the curve", order + order),
        ("order-s-zero", "R is the order, S is zero", order + zero),
        ("bit", "one bit is another", bytes([good[0] ^ 1]) + good[1:]),
    ):
        yield _wrong(name, comment, f"{_MESSAGE}.{base64url(data)}")
