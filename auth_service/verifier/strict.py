"""The one strict check of an access token (RFC 9068 section 4, RFC 8725).

A JOSE library's ``decode`` lets much through that a resource server must refuse: an unknown
``crit``, a missing ``aud``, an absent ``exp``. So everything is checked here, in this order: form,
header, signature, claims; the library does the signature and nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.compact import decode_object, decode_part, split_compact
from auth_service.verifier.errors import InvalidTokenError

CLOCK_SKEW_SECONDS: Final = 60
_FORBIDDEN_HEADERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip"})
_REQUIRED_CLAIMS: Final = ("iss", "aud", "exp", "iat", "sub", "jti")
_SIGNATURE_BYTES: Final = {"ES256": 64, "RS256": 384}
# The last second of the year 9999: beyond it neither floats nor calendars can be relied on.
_LATEST_TIME: Final = 253_402_300_799


class PublicKey(Protocol):
    """A key object that was made once: ``jose.jwk.construct`` gives these."""

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        ...  # pragma: no cover - a protocol has no body


class StrictCheck:
    """Verifies access tokens of one issuer, for one audience, under one algorithm."""

    def __init__(
        self, *, issuer: str, audience: str, algorithm: str, now: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._algorithm = algorithm
        self._signature_bytes = _SIGNATURE_BYTES[algorithm]
        self._now = now

    def verify(self, token: str, keys: Mapping[str, PublicKey]) -> AccessClaims:
        """The claims of a token that passes every check; ``keys`` are found by ``kid``.

        Raises:
            InvalidTokenError: naming the first check that failed.
        """
        header_part, payload_part, signature_part = split_compact(token)
        key = self._key_named_by(decode_object(header_part), keys)
        signature = decode_part(signature_part)
        if len(signature) != self._signature_bytes:
            raise InvalidTokenError("signature")
        if not key.verify(f"{header_part}.{payload_part}".encode("ascii"), signature):
            raise InvalidTokenError("signature")
        return self._claims(decode_object(payload_part))

    def _key_named_by(self, header: dict[str, Any], keys: Mapping[str, PublicKey]) -> PublicKey:
        if not _FORBIDDEN_HEADERS.isdisjoint(header):
            raise InvalidTokenError("header")
        if header.get("alg") != self._algorithm:
            raise InvalidTokenError("alg")
        typ = header.get("typ")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "at+jwt":
            raise InvalidTokenError("typ")
        kid = header.get("kid")
        key = keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidTokenError("kid")
        return key

    def _claims(self, payload: dict[str, Any]) -> AccessClaims:
        if any(name not in payload for name in _REQUIRED_CLAIMS):
            raise InvalidTokenError("claims")
        if payload["iss"] != self._issuer:
            raise InvalidTokenError("iss")
        audience = payload["aud"]
        if audience != self._audience and not (
            isinstance(audience, list) and self._audience in audience
        ):
            raise InvalidTokenError("aud")
        now = self._now()
        expires_at, issued_at = _time(payload, "exp"), _time(payload, "iat")
        if expires_at <= now:
            raise InvalidTokenError("exp")
        if issued_at > now + CLOCK_SKEW_SECONDS:
            raise InvalidTokenError("iat")
        if "nbf" in payload and _time(payload, "nbf") > now + CLOCK_SKEW_SECONDS:
            raise InvalidTokenError("nbf")
        return AccessClaims(
            issuer=self._issuer,
            subject=_text(payload, "sub"),
            expires_at=expires_at,
            issued_at=issued_at,
            token_id=_text(payload, "jti"),
            client_id=_text(payload, "client_id") if "client_id" in payload else None,
            session_id=_text(payload, "sid") if "sid" in payload else None,
            auth_time=_time(payload, "auth_time") if "auth_time" in payload else None,
            amr=_texts(payload, "amr"),
            roles=_texts(payload, "roles"),
            scopes=tuple(_scope(payload).split()),
            email_verified=payload.get("email_verified") is True,
        )


def _time(payload: dict[str, Any], name: str) -> float:
    value = payload[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LATEST_TIME:
        raise InvalidTokenError(name)
    return value


def _text(payload: dict[str, Any], name: str) -> str:
    value = payload[name]
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(name)
    return value


def _texts(payload: dict[str, Any], name: str) -> tuple[str, ...]:
    values = payload.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidTokenError(name)
    return tuple(values)


def _scope(payload: dict[str, Any]) -> str:
    value = payload.get("scope", "")
    if not isinstance(value, str):
        raise InvalidTokenError("scope")
    return value
