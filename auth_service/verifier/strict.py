"""The one strict check of an access token (RFC 9068 section 4, RFC 8725).

A JOSE library's ``decode`` lets much through that a resource server must refuse: an unknown
``crit``, a missing ``aud``, an absent ``exp``. So everything is checked here, in this order: form,
header, signature, claims; a key object does the signature and nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.compact import decode_object, decode_part, split_compact
from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.members import scopes_of, text_of, texts_of, time_of

CLOCK_SKEW_SECONDS: Final = 60
_FORBIDDEN_HEADERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip"})
_REQUIRED_CLAIMS: Final = frozenset({"iss", "aud", "exp", "iat", "sub", "jti"})
# What a signature can be long: two numbers of P-256; RSA of 2048 to 8192 bits.
_SIGNATURE_BYTES: Final = {"ES256": range(64, 65), "RS256": range(256, 1025)}
_REMEMBERED_HEADERS: Final = 16


class PublicKey(Protocol):
    """A key object that was made once, for one algorithm: ``public_keys.py`` has ours."""

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        ...  # pragma: no cover - a protocol has no body


class UnjudgedToken(NamedTuple):
    """A token whose form and header are as they should be: the key has the next word."""

    header: str
    payload: str
    signature: bytes
    key_id: str


def _is_set(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())


class StrictCheck:
    """Verifies access tokens of one issuer, for one audience, under one algorithm.

    Safe to use from any number of threads.

    Raises:
        ValueError: the algorithm is neither ES256 nor RS256, or issuer or audience is not set.
    """

    def __init__(
        self, *, issuer: str, audience: str, algorithm: str, now: Callable[[], float]
    ) -> None:
        if algorithm not in _SIGNATURE_BYTES:
            raise ValueError(f"not a supported algorithm: {algorithm}")
        if not _is_set(issuer) or not _is_set(audience):
            raise ValueError("issuer and audience have to be set")
        self._issuer = issuer
        self._audience = audience
        self._algorithm = algorithm
        self._signature_bytes = _SIGNATURE_BYTES[algorithm]
        self._now = now
        # An issuer's tokens share a header to the letter, so it is read once. Only what a key has
        # signed is remembered: nobody else can fill this.
        self._key_ids: dict[str, str] = {}

    def verify(self, token: str, keys: Mapping[str, PublicKey]) -> AccessClaims:
        """The claims of a token that passes every check; ``keys`` are found by ``kid``.

        Raises:
            InvalidTokenError: naming the first check that failed.
        """
        return self.judge(self.read(token), keys)

    def read(self, token: str) -> UnjudgedToken:
        """Everything that can be checked without a key.

        Raises:
            InvalidTokenError: naming the first check that failed.
        """
        header, payload, signature_part = split_compact(token)
        key_id = self._key_ids.get(header)
        if key_id is None:
            key_id = self._key_id_of(decode_object(header))
        signature = decode_part(signature_part)
        if len(signature) not in self._signature_bytes:
            raise InvalidTokenError("signature")
        return UnjudgedToken(header, payload, signature, key_id)

    def judge(self, token: UnjudgedToken, keys: Mapping[str, PublicKey]) -> AccessClaims:
        """The claims of a token that one of the keys has signed.

        Raises:
            InvalidTokenError: naming the first check that failed.
        """
        key = keys.get(token.key_id)
        if key is None:
            raise InvalidTokenError("kid")
        if not key.verify(f"{token.header}.{token.payload}".encode("ascii"), token.signature):
            raise InvalidTokenError("signature")
        self._remember(token)
        return self._claims(decode_object(token.payload))

    def _remember(self, token: UnjudgedToken) -> None:
        if token.header not in self._key_ids:
            if len(self._key_ids) == _REMEMBERED_HEADERS:
                self._key_ids.clear()
            self._key_ids[token.header] = token.key_id

    def _key_id_of(self, header: dict[str, Any]) -> str:
        if not _FORBIDDEN_HEADERS.isdisjoint(header):
            raise InvalidTokenError("header")
        if header.get("alg") != self._algorithm:
            raise InvalidTokenError("alg")
        typ = header.get("typ")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "at+jwt":
            raise InvalidTokenError("typ")
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise InvalidTokenError("kid")
        return key_id

    def _claims(self, payload: dict[str, Any]) -> AccessClaims:
        if not payload.keys() >= _REQUIRED_CLAIMS:
            raise InvalidTokenError("claims")
        if payload["iss"] != self._issuer:
            raise InvalidTokenError("iss")
        audience = payload["aud"]
        if audience != self._audience and not (
            isinstance(audience, list) and self._audience in audience
        ):
            raise InvalidTokenError("aud")
        now = self._now()
        expires_at, issued_at = time_of(payload, "exp"), time_of(payload, "iat")
        if expires_at <= now:
            raise InvalidTokenError("exp")
        if issued_at > now + CLOCK_SKEW_SECONDS:
            raise InvalidTokenError("iat")
        if "nbf" in payload and time_of(payload, "nbf") > now + CLOCK_SKEW_SECONDS:
            raise InvalidTokenError("nbf")
        return AccessClaims(
            issuer=self._issuer,
            subject=text_of(payload, "sub"),
            expires_at=expires_at,
            issued_at=issued_at,
            token_id=text_of(payload, "jti"),
            client_id=text_of(payload, "client_id") if "client_id" in payload else None,
            session_id=text_of(payload, "sid") if "sid" in payload else None,
            auth_time=time_of(payload, "auth_time") if "auth_time" in payload else None,
            amr=texts_of(payload, "amr"),
            roles=texts_of(payload, "roles"),
            scopes=scopes_of(payload),
            email_verified=payload.get("email_verified") is True,
        )
