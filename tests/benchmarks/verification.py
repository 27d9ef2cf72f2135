"""Measure what verifying one access token costs, beside two libraries and the bare signature check.

Everything is measured in turn, round by round, in one run; medians are printed. Each candidate
verifies the same ES256 token with a key that was prepared once, in the way its documentation
recommends, and checks issuer, audience and expiry. The token arrives as a new text each time, as
from a header. It needs no server and no database.

    python -m tests.benchmarks.verification [--rounds 60] [--json FILE]
"""

import argparse
import asyncio
import base64
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import joserfc.jwt
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey
from joserfc.jwt import JWTClaimsRegistry

from auth_service.verifier import TokenVerifier

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"
KID: Final = "UGTNcUFdL2IQrPS8AGeXEH7mtJB0_CeJg7I9TZ-7Jq4"
REQUIRED: Final = ["iss", "aud", "exp", "iat", "sub", "jti"]
FIRST_SEEN: Final = "verifier, first seen"
REPEATED: Final = "verifier, seen before"
BARE: Final = "bare signature check"
WITH_PARSING: Final = "bare check and parsing"
PYJWT: Final = "PyJWT"
JOSERFC: Final = "joserfc"
CALLS: Final = 100

Candidate = Callable[[list[str]], None]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_json(value: dict[str, Any]) -> str:
    return base64url(json.dumps(value, separators=(",", ":")).encode())


def read(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class SignedToken:
    """A token as the service issues it, and its parts as the bare check takes them."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = int(time.time())
        uuid = "01a20901-62af-7559-bacc-caf0add7ccf9"
        header = {"alg": "ES256", "kid": KID, "typ": "at+jwt"}
        claims = {
            "iss": ISSUER,
            "sub": uuid,
            "aud": AUDIENCE,
            "exp": now + 86_400,
            "iat": now,
            "jti": uuid,
            "client_id": "auth-service",
            "sid": uuid,
            "auth_time": now,
            "amr": ["pwd"],
            "roles": ["user"],
            "scope": "",
            "email_verified": True,
        }
        signing_input = f"{base64url_json(header)}.{base64url_json(claims)}"
        self.message = signing_input.encode()
        self.der = self.key.sign(self.message, ec.ECDSA(SHA256()))
        raw = b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(self.der))
        self.text = f"{signing_input}.{base64url(raw)}"

    @property
    def jwk(self) -> dict[str, str]:
        point = self.key.public_key().public_numbers()
        x, y = (base64url(n.to_bytes(32, "big")) for n in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": KID, "alg": "ES256"}

    def copies(self) -> list[str]:
        """The same token in new strings, of which none has been hashed yet."""
        return ["".join([self.text[:9], self.text[9:]]) for _ in range(CALLS)]


def bare_check(token: SignedToken) -> Candidate:
    """What no implementation can do without."""
    public, algorithm = token.key.public_key(), ec.ECDSA(SHA256())

    def run(texts: list[str]) -> None:
        for _ in texts:
            public.verify(token.der, token.message, algorithm)

    return run


def bare_check_and_parsing(token: SignedToken) -> Candidate:
    """Three parts, two of them JSON, the signature in the form that the library takes."""
    public, algorithm = token.key.public_key(), ec.ECDSA(SHA256())

    def run(texts: list[str]) -> None:
        for text in texts:
            signing_input, _, signature_part = text.rpartition(".")
            header, _, payload = signing_input.partition(".")
            json.loads(read(header))
            raw = read(signature_part)
            r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
            public.verify(encode_dss_signature(r, s), signing_input.encode(), algorithm)
            json.loads(read(payload))

    return run


def new_verifier(token: SignedToken, **options: Any) -> TokenVerifier:
    """A verifier that has fetched its keys."""
    answer = httpx.Response(200, json={"keys": [token.jwk]})
    verifier = TokenVerifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        new_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)),
        **options,
    )
    verifier.verify_sync(token.text)
    return verifier


def verifier_first_seen(token: SignedToken) -> Candidate:
    """Without room to remember, every token is seen for the first time."""
    verifier = new_verifier(token, cache_size=0)

    def run(texts: list[str]) -> None:
        for text in texts:
            verifier.verify_sync(text)

    return run


def verifier_seen_before(token: SignedToken) -> Candidate:
    """Awaited, as an asynchronous service does."""
    verifier = new_verifier(token)
    runner = asyncio.Runner()

    async def verify_all(texts: list[str]) -> None:
        for text in texts:
            await verifier.verify(text)

    return lambda texts: runner.run(verify_all(texts))


def pyjwt(token: SignedToken) -> Candidate:
    """With the key object, which is what its documentation calls for."""
    key = jwt.PyJWK(token.jwk)

    def run(texts: list[str]) -> None:
        for text in texts:
            jwt.decode(
                text,
                key,
                algorithms=["ES256"],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": REQUIRED},
            )

    return run


def joserfc_(token: SignedToken) -> Candidate:
    """With the key imported and the registry of claims made once."""
    key = ECKey.import_key(dict(token.jwk))
    registry = JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        jti={"essential": True},
    )

    def run(texts: list[str]) -> None:
        for text in texts:
            registry.validate(joserfc.jwt.decode(text, key, algorithms=["ES256"]).claims)

    return run


CANDIDATES: Final[dict[str, Callable[[SignedToken], Candidate]]] = {
    BARE: bare_check,
    WITH_PARSING: bare_check_and_parsing,
    FIRST_SEEN: verifier_first_seen,
    REPEATED: verifier_seen_before,
    PYJWT: pyjwt,
    JOSERFC: joserfc_,
}


def measure(rounds: int) -> dict[str, float]:
    """Microseconds for one token, the median over all rounds."""
    token = SignedToken()
    candidates = {name: new(token) for name, new in CANDIDATES.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run(token.copies())
    for _ in range(rounds):
        for name, run in candidates.items():
            texts = token.copies()
            started = time.perf_counter()
            run(texts)
            seconds[name].append((time.perf_counter() - started) / CALLS)
    return {name: statistics.median(taken) * 1e6 for name, taken in seconds.items()}


def ratios(microseconds: dict[str, float]) -> dict[str, float]:
    """What is promised, each as a number to compare with the promise."""
    first, repeated = microseconds[FIRST_SEEN], microseconds[REPEATED]
    return {
        "first seen / bare check and parsing (at most 1.5)": first / microseconds[WITH_PARSING],
        "first seen / bare signature check": first / microseconds[BARE],
        "PyJWT / first seen (over 1)": microseconds[PYJWT] / first,
        "joserfc / first seen (over 1)": microseconds[JOSERFC] / first,
        "PyJWT / seen before (at least 20)": microseconds[PYJWT] / repeated,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    microseconds = measure(arguments.rounds)
    print(f"{'verifying one token':28}{'µs':>9}{'to bare check':>16}{'to PyJWT':>11}")
    for name, taken in microseconds.items():
        to_bare, to_pyjwt = taken / microseconds[BARE], taken / microseconds[PYJWT]
        print(f"{name:28}{taken:>9.2f}{to_bare:>16.2f}{to_pyjwt:>11.3f}")
    print()
    for name, ratio in ratios(microseconds).items():
        print(f"{name:52}{ratio:>8.2f}")
    if arguments.json:
        found = {"microseconds": microseconds, "ratios": ratios(microseconds)}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
