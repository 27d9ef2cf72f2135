"""The service itself as the issuer of the conformance tokens: it has their keys and their person.

So each token of `docs/conformance/tokens.json`, good or bad, meets the real routes, and more can be
signed with the key that is live there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from auth_service.app import create_app
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.sessions.models import Session
from auth_service.settings import Settings
from auth_service.tokens import repository
from auth_service.tokens.signing_key import StoredKey
from auth_service.users.models import User
from auth_service.verifier import InvalidTokenError, TokenVerifier
from scripts.conformance.token_maker import AUDIENCE, CLAIMS, FIRST, ISSUER, SECOND, public_jwk
from tests.conftest import SECRET, client_of, settings_for
from tests.flows.service_tokens.conftest import Service, new_service

DEAD: Final = {"active": False}
LATER: Final = timedelta(days=1)
REFUSAL: Final = {
    "type": f"{ISSUER}/problems/invalid_access_token",
    "title": "A valid access token is required",
    "status": 401,
    "detail": "A valid access token is required",
    "code": "invalid_access_token",
}


@dataclass
class Judges:
    """Everybody who may be shown a token."""

    app: FastAPI
    http: httpx.AsyncClient
    service: Service
    verifier: TokenVerifier

    async def shown(self, path: str, token: str) -> httpx.Response:
        """What a route answers whoever brings the token."""
        return await self.http.get(path, headers={b"Authorization": b"Bearer " + token.encode()})

    async def is_refused_at(self, path: str, token: str) -> bool:
        """Whether a route refuses the token, exactly as it refuses every other one."""
        answer = await self.shown(path, token)
        if answer.status_code in {200, 204}:
            return False
        problem = answer.json()
        assert problem.pop("request_id") == answer.headers["x-request-id"]
        assert (answer.status_code, problem) == (401, REFUSAL)
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        return True

    async def introspected(self, token: str) -> dict[str, Any]:
        """What introspection tells; a text that no form field may hold is no token either."""
        form = {"token": token}
        answer = await self.http.post("/oauth/introspect", data=form, headers=self.service.basic)
        if not token or "\0" in token:
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
            return DEAD
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def is_refused_elsewhere(self, token: str) -> bool:
        """Whether a service that has only the published keys refuses it."""
        try:
            await self.verifier.verify(token)
        except InvalidTokenError:
            return True
        return False


@asynccontextmanager
async def judging(database_url: str) -> AsyncIterator[Judges]:
    """The service, started on the conformance tokens' keys and person."""
    settings = settings_for(database_url, issuer=ISSUER, audience=AUDIENCE)
    await _populate(settings)
    app = create_app(settings)
    async with app.router.lifespan_context(app), client_of(app) as http:
        jwks = (await http.get("/.well-known/jwks.json")).json()
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=jwks))
        verifier = TokenVerifier(
            issuer=ISSUER,
            audience=AUDIENCE,
            new_client=lambda: httpx.AsyncClient(transport=transport),
        )
        yield Judges(app, http, await new_service(app, http, "introspection", "email"), verifier)


async def _populate(settings: Settings) -> None:
    database = Database.from_settings(settings)
    now = datetime.now(UTC)
    async with database.transaction() as db:
        await repository.add(db, _stored("conformance-1", FIRST, now))
        await repository.add(db, _stored("conformance-2", SECOND, now, is_retired=True))
        db.add(_person(now))
        await db.flush()
        db.add(_session(now))
    await database.close()


def _stored(
    kid: str, key: ec.EllipticCurvePrivateKey, now: datetime, *, is_retired: bool = False
) -> StoredKey:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return StoredKey(
        kid=kid,
        algorithm="ES256",
        state="retired" if is_retired else "active",
        public_jwk=public_jwk(key),
        private_key=Keyring.of([SECRET]).encrypt("signing key", pem, bound_to=kid.encode()),
        created_at=now,
        signs_from=now,
        retired_at=now if is_retired else None,
        published_until=now + LATER if is_retired else None,
    )


def _person(now: datetime) -> User:
    return User(
        id=UUID(CLAIMS["sub"]),
        email="ada@example.com",
        email_key="ada@example.com",
        roles=["user"],
        created_at=now,
    )


def _session(now: datetime) -> Session:
    return Session(
        id=UUID(CLAIMS["sid"]),
        user_id=UUID(CLAIMS["sub"]),
        client_id=CLAIMS["client_id"],
        amr=["pwd"],
        refresh_salt=bytes(32),
        created_at=now,
        last_used_at=now,
        expires_at=now + LATER,
    )
