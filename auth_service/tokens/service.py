"""Access tokens: issued under the active key, verified under every published one."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.settings import Settings
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.keys import Keys, SigningKeys
from auth_service.verifier.cache import VerifiedTokens
from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.compact import encode_part
from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import StrictCheck


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom an access token is for, and what it says of them."""

    subject: UUID
    session_id: UUID
    client_id: str
    auth_time: datetime
    amr: list[str]
    roles: list[str]
    email_verified: bool


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An issued token and the seconds it is good for."""

    token: str
    expires_in: int


class AccessTokens:
    """Issues and verifies access tokens (RFC 9068) with keys that are read once."""

    def __init__(self, *, keys: SigningKeys, clock: Clock, settings: Settings) -> None:
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._lifetime = int(settings.access_token_ttl.total_seconds())
        self._check = StrictCheck(
            issuer=settings.issuer,
            audience=settings.audience,
            algorithm=settings.jwt_algorithm.value,
            now=self._timestamp,
        )
        self._verified = VerifiedTokens()
        self._verified_with: Keys | None = None

    async def ensure_ready(self) -> None:
        """See to it that tokens can be signed, before a transaction is begun.

        Raises:
            ServiceUnavailable: the keys are not known or too old, and the database is lost.
        """
        await self._keys.ensure_for_signing()

    async def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The keys that other services verify with, as a JWK Set (RFC 7517 section 5).

        Without the database it is as this worker knew it last: others go on validating.

        Raises:
            ServiceUnavailable: the keys were not read yet and the database cannot be reached.
        """
        try:
            keys = await self._keys.get_for_signing()
        except ServiceUnavailable:
            keys = await self._keys.get()
        return {"keys": keys.published}

    async def issue(self, bearer: Bearer, *, not_after: datetime) -> AccessToken:
        """A token for somebody, good for ``AUTH_ACCESS_TOKEN_TTL`` but never past ``not_after``.

        Raises:
            ServiceUnavailable: the keys are not known or too old, and the database is lost.
        """
        now = int(self._timestamp())
        expires = max(now + 1, min(now + self._lifetime, int(not_after.timestamp())))
        return await self._issue(
            now,
            expires,
            sub=str(bearer.subject),
            client_id=bearer.client_id,
            sid=str(bearer.session_id),
            auth_time=int(bearer.auth_time.timestamp()),
            amr=bearer.amr,
            roles=bearer.roles,
            email_verified=bearer.email_verified,
        )

    async def issue_for_client(self, client_id: UUID, scopes: Iterable[str]) -> AccessToken:
        """A token for a service in its own name (RFC 6749 section 4.4): nobody has logged in.

        Raises:
            ServiceUnavailable: the keys are not known or too old, and the database is lost.
        """
        now = int(self._timestamp())
        return await self._issue(
            now,
            now + self._lifetime,
            sub=str(client_id),
            client_id=str(client_id),
            roles=[],
            **_scope(scopes),
        )

    async def _issue(self, now: int, expires: int, **claims: object) -> AccessToken:
        keys = await self._keys.get_for_signing()
        payload = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "exp": expires,
            "iat": now,
            "jti": str(new_id()),
            **claims,
        }
        signing_input = f"{keys.header}.{encode_part(_json(payload))}"
        signature = keys.signer.sign(signing_input.encode("ascii"))
        return AccessToken(f"{signing_input}.{encode_part(signature)}", expires - now)

    async def verify(self, token: str) -> AccessClaims:
        """The claims of a token that passes the strict check; live state is not looked at here.

        Raises:
            InvalidAccessToken: it fails any check; which one is not told.
            ServiceUnavailable: the keys were not read yet and the database cannot be reached.
        """
        keys = await self._keys.get()
        if keys is not self._verified_with:
            self._forget_withdrawn(keys)
        known = self._verified.find(token, self._timestamp())
        if known is not None:
            return known
        try:
            claims = await self._checked(token, keys)
        except InvalidTokenError as fault:
            raise InvalidAccessToken from fault
        self._verified.remember(token, claims)
        return claims

    async def _checked(self, token: str, keys: Keys) -> AccessClaims:
        """The claims; a key that is not known yet is looked for once."""
        try:
            return self._check.verify(token, keys.public)
        except InvalidTokenError as fault:
            read_anew = await self._keys.find_unknown() if fault.check == "kid" else None
            if read_anew is None:
                raise
        return self._check.verify(token, read_anew.public)

    def _forget_withdrawn(self, keys: Keys) -> None:
        """Drop what was verified under keys of which one has gone."""
        before = self._verified_with
        if before is not None and not before.public.keys() <= keys.public.keys():
            self._verified.clear()
        self._verified_with = keys

    def _timestamp(self) -> float:
        return self._clock.now().timestamp()


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _scope(scopes: Iterable[str]) -> dict[str, str]:
    """The claim of RFC 9068 section 2.2.3, which is left out where nothing was granted."""
    text = " ".join(scopes)
    return {"scope": text} if text else {}
