"""Access tokens: issued under the active key, verified under every published one."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.core.clock import Clock
from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.setting_types import JwtAlgorithm
from auth_service.settings import Settings
from auth_service.tokens import repository
from auth_service.tokens.errors import InvalidAccessToken
from auth_service.tokens.signing_key import (
    Signer,
    StoredKey,
    new_key,
    open_public,
    open_signer,
    published,
    reencrypted,
)
from auth_service.verifier.cache import VerifiedTokens
from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.compact import encode_part
from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import PublicKey, StrictCheck


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


@dataclass(frozen=True, slots=True)
class Keys:
    """The active key, its token header spelled out once, and all keys that verify."""

    signer: Signer
    header: str
    public: dict[str, PublicKey]
    published: list[dict[str, str]]


class AccessTokens:
    """Issues and verifies access tokens (RFC 9068) with keys that are read once."""

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._settings = settings
        self._check = StrictCheck(
            issuer=settings.issuer,
            audience=settings.audience,
            algorithm=settings.jwt_algorithm.value,
            now=self._timestamp,
        )
        self._verified = VerifiedTokens()
        self._keys: Keys | None = None
        self._loading = asyncio.Lock()

    async def ensure_keys(self) -> Keys:
        """The keys, read on first use; makes the first one where there is none.

        A worker may so start while the database is away, and finds its keys once it is back.

        Raises:
            ServiceUnavailable: the database cannot be reached.
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens the active key.
        """
        if self._keys is None:
            async with self._loading:
                self._keys = self._keys or await self._read_keys()
        return self._keys

    async def _read_keys(self) -> Keys:
        algorithm = self._settings.jwt_algorithm
        async with self._database.transaction() as db:
            stored = await self._list_or_make(db, algorithm)
        active = next(key for key in stored if _is_active(key, algorithm.value))
        header = {"alg": active.algorithm, "kid": active.kid, "typ": "at+jwt"}
        return Keys(
            signer=open_signer(active, self._keyring),
            header=encode_part(_json(header)),
            public={key.kid: open_public(key) for key in stored if key.algorithm == algorithm},
            published=[published(key) for key in stored if key.algorithm == algorithm],
        )

    async def _list_or_make(self, db: Transaction, algorithm: JwtAlgorithm) -> list[StoredKey]:
        """Every key; where none is active, the first one is made."""
        stored = await repository.list_keys(db)
        if any(_is_active(key, algorithm.value) for key in stored):
            return stored
        made = await asyncio.to_thread(new_key, algorithm, self._keyring, self._clock.now())
        await repository.add_if_none_active(db, made)
        return await repository.list_keys(db)

    async def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The keys that other services verify with, as a JWK Set (RFC 7517 section 5).

        Raises:
            ServiceUnavailable: the keys were not read yet and the database cannot be reached.
        """
        return {"keys": (await self.ensure_keys()).published}

    async def reencrypt_keys(self, db: Transaction) -> list[StoredKey]:
        """Put every signing key under the first of ``AUTH_SECRET_KEYS``; those that were not.

        After this, and once the last refresh token under an older secret is idle, that secret may
        be dropped.

        Raises:
            UndecryptableError: none of ``AUTH_SECRET_KEYS`` opens a key; none was changed.
        """
        outdated = [
            reencrypted(key, self._keyring)
            for key in await repository.list_keys(db)
            if not self._keyring.is_current(key.private_key)
        ]
        for key in outdated:
            await repository.replace_private_key(db, key)
        return outdated

    async def issue(self, bearer: Bearer, *, not_after: datetime) -> AccessToken:
        """A token for somebody, good for ``AUTH_ACCESS_TOKEN_TTL`` but never past ``not_after``.

        Raises:
            ServiceUnavailable: the keys were not read yet and the database cannot be reached.
        """
        keys = await self.ensure_keys()
        now = int(self._timestamp())
        lifetime = int(self._settings.access_token_ttl.total_seconds())
        expires = max(now + 1, min(now + lifetime, int(not_after.timestamp())))
        payload = {
            "iss": self._settings.issuer,
            "sub": str(bearer.subject),
            "aud": self._settings.audience,
            "exp": expires,
            "iat": now,
            "jti": str(new_id()),
            "client_id": bearer.client_id,
            "sid": str(bearer.session_id),
            "auth_time": int(bearer.auth_time.timestamp()),
            "amr": bearer.amr,
            "roles": bearer.roles,
            "scope": "",
            "email_verified": bearer.email_verified,
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
        keys = await self.ensure_keys()
        known = self._verified.find(token, self._timestamp())
        if known is not None:
            return known
        try:
            claims = self._check.verify(token, keys.public)
        except InvalidTokenError as fault:
            raise InvalidAccessToken from fault
        self._verified.remember(token, claims)
        return claims

    def _timestamp(self) -> float:
        return self._clock.now().timestamp()


def _is_active(key: StoredKey, algorithm: str) -> bool:
    return key.state == "active" and key.algorithm == algorithm


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
