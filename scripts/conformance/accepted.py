"""What a validator must not refuse."""

import json
from collections.abc import Iterator
from typing import Any

from scripts.conformance.case import Case, valid
from scripts.conformance.token_maker import (
    AUDIENCE,
    CLAIMS,
    HEADER,
    REQUIRED,
    SECOND,
    YEAR_2026,
    YEAR_2100,
    base64url,
    claiming,
    headed,
    part,
    signature,
    signed,
    spelling,
    without,
)

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has (FIPS 186-4, D.1.2.3)."""


def accepted() -> Iterator[Case]:
    """Every good token."""
    yield valid("plain", "as the service issues it to a person", signed())
    yield valid("service-client", "of a service client: no session", signed(payload=_of_a_client()))
    second = signed(HEADER | {"kid": "conformance-2"}, CLAIMS, SECOND)
    yield valid("second-key", "signed with the other published key", second)
    least = {name: CLAIMS[name] for name in (*REQUIRED, "client_id")}
    yield valid("required-only", "nothing but what is required", signed(payload=least))
    yield from _spelled_otherwise()
    yield from _saying_more()
    yield from _either_signature()


def _of_a_client() -> dict[str, Any]:
    claims = without(CLAIMS, "sid", "auth_time", "amr", "roles", "email_verified")
    return claims | {"sub": "reports", "client_id": "reports", "scope": "users:read mail:send"}


def _spelled_otherwise() -> Iterator[Case]:
    several = ["https://other.example.com", AUDIENCE]
    yield valid("aud-list", "one of several audiences", claiming(aud=several))
    yield valid("aud-list-of-one", "a list of one audience", claiming(aud=[AUDIENCE]))
    yield valid("typ-upper-case", "media types have no case", headed(typ="AT+JWT"))
    yield valid("typ-long", "the media type in full", headed(typ="application/at+jwt"))
    yield valid("typ-long-mixed-case", "the same in mixed case", headed(typ="Application/At+JWT"))
    shuffled = json.dumps(HEADER, sort_keys=True).encode(), json.dumps(CLAIMS, indent=1).encode()
    yield valid("json-spaces", "another order, spaces, line breaks", signed(*shuffled))
    escaped = r'["gr\u00f6\u00dfe","\ud83d\udd11"]'
    yield valid("json-escapes", "characters spelled as escapes", spelling("roles", escaped))
    fractions = claiming(exp=YEAR_2100 + 0.5, iat=YEAR_2026 + 0.25)
    yield valid("time-fractions", "a time may have a fraction (RFC 7519 section 2)", fractions)
    yield valid("time-exponent", "a number may have an exponent", spelling("exp", "4.1024448e9"))


def _saying_more() -> Iterator[Case]:
    yield valid("claim-unknown", "a claim that nobody knows is ignored", claiming(x={"y": [1]}))
    yield valid("header-unknown", "so is a member of the header", headed(x=1, cty="y"))
    yield valid("roles-unicode", "text of all planes", claiming(roles=["größe", "管理者", "🔑"]))
    yield valid("roles-empty", "a person without any role", claiming(roles=[]))
    yield valid("size-limit", "8 KiB, the most that is accepted", _of_size(8192))
    yield valid("nbf-past", "good since 2026", claiming(nbf=YEAR_2026))


def _of_size(wanted: int) -> str:
    return next(token for n in range(wanted) if len(token := claiming(x="x" * n)) == wanted)


def _either_signature() -> Iterator[Case]:
    message = f"{part(HEADER)}.{part(CLAIMS | {'jti': 'either'})}"
    r, s = signature(message)[:32], int.from_bytes(signature(message)[32:], "big")
    both = {"low": min(s, _ORDER - s), "high": max(s, _ORDER - s)}
    for name, value in both.items():
        comment = f"of the two right values of S the {name} one; tokens have either"
        token = f"{message}.{base64url(r + value.to_bytes(32, 'big'))}"
        yield valid(f"signature-s-{name}", comment, token)
