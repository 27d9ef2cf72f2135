"""Claims that are missing, of another type, or not meant for this validator, all rightly signed."""

from collections.abc import Iterator

from scripts.conformance.case import Case, beyond, invalid
from scripts.conformance.token_maker import (
    AUDIENCE,
    CLAIMS,
    ISSUER,
    REQUIRED,
    YEAR_2020,
    YEAR_2099,
    YEAR_2100,
    claiming,
    signed,
    spelling,
    without,
)


def misclaiming() -> Iterator[Case]:
    """Every token whose claims are to be refused."""
    for name in REQUIRED:
        token = signed(payload=without(CLAIMS, name))
        yield invalid(f"{name}-missing", "claims", f"no {name} (RFC 9068 section 2.2)", token)
    yield invalid("claims-none", "claims", "no claim at all", signed(payload=b"{}"))
    yield from _wrong_issuers()
    yield from _wrong_audiences()
    yield from _wrong_times()
    yield from _wrong_texts()


def _wrong_issuers() -> Iterator[Case]:
    for name, comment, value in (
        ("other", "another issuer", "https://evil.example.net"),
        ("slash", "a slash after it: compared exactly", f"{ISSUER}/"),
        ("case", "another case: compared exactly", ISSUER.replace("auth", "AUTH")),
        ("prefix", "it only begins like ours", f"{ISSUER}.evil.example.net"),
        ("space", "a space after it", f"{ISSUER} "),
        ("empty", "empty", ""),
        ("null", "null", None),
        ("list", "a list with ours", [ISSUER]),
        ("object", "an object with ours", {ISSUER: True}),
    ):
        yield invalid(f"iss-{name}", "iss", comment, claiming(iss=value))


def _wrong_audiences() -> Iterator[Case]:
    for name, comment, value in (
        ("other", "meant for somebody else", "https://other.example.com"),
        ("list-other", "meant for others", ["https://other.example.com", "https://x.example.com"]),
        ("list-empty", "meant for nobody", []),
        ("longer", "ours is only part of the text", f"{AUDIENCE}.evil.example.net"),
        ("slash", "a slash after it: compared exactly", f"{AUDIENCE}/"),
        ("list-nested", "a list in a list", [[AUDIENCE]]),
        ("object", "an object with ours", {AUDIENCE: True}),
        ("empty", "empty", ""),
        ("null", "null", None),
        ("true", "true", True),
    ):
        yield invalid(f"aud-{name}", "aud", comment, claiming(aud=value))


def _wrong_times() -> Iterator[Case]:
    yield invalid(
        "exp-past", "exp", "expired in 2020", claiming(iat=YEAR_2020, exp=YEAR_2020 + 900)
    )
    for name, comment, value in (
        ("null", "null", None),
        ("string", "a number as text", str(YEAR_2100)),
        ("true", "true", True),
        ("list", "a list", [YEAR_2100]),
        ("zero", "1970", 0),
        ("negative", "before 1970", -YEAR_2100),
    ):
        yield invalid(f"exp-{name}", "exp", comment, claiming(exp=value))
    yield invalid("exp-nan", "json", "NaN is no JSON", spelling("exp", "NaN"))
    yield beyond("exp-endless", "json", "a number beyond every float", spelling("exp", "1e999"))
    yield beyond("exp-absurd", "exp", "past the year 9999", spelling("exp", "1e300"))
    for name in ("iat", "nbf"):
        for kind, value in (("null", None), ("string", "2026-01-01"), ("true", True)):
            comment = f"{name} is a number (RFC 7519 section 4.1)"
            yield invalid(f"{name}-{kind}", name, comment, claiming(**{name: value}))
    yield beyond("iat-future", "iat", "issued in 2099", claiming(iat=YEAR_2099))
    yield invalid("nbf-future", "nbf", "good from 2099 on", claiming(nbf=YEAR_2099))


def _wrong_texts() -> Iterator[Case]:
    for name in ("sub", "jti"):
        for kind, value in (("null", None), ("number", 1), ("list", ["x"])):
            comment = f"{name} is a string (RFC 7519 section 4.1)"
            yield invalid(f"{name}-{kind}", name, comment, claiming(**{name: value}))
        yield beyond(f"{name}-empty", name, "empty", claiming(**{name: ""}))
    role = "a string: who looks for 'admin' in it finds it"
    yield beyond("roles-string", "roles", role, claiming(roles="no-admin"))
    yield beyond("roles-numbers", "roles", "a list of numbers", claiming(roles=[1]))
    yield beyond("scope-list", "scope", "a list (RFC 8693: a string)", claiming(scope=["x"]))
    yield beyond("sid-number", "sid", "a number", claiming(sid=1))
