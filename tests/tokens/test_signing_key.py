"""Signing keys: named by thumbprint, readable only with a secret, and made once."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.app import create_app
from auth_service.core.clock import SystemClock
from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.db.session import Database
from auth_service.setting_types import JwtAlgorithm
from auth_service.settings import Settings
from auth_service.tokens.keys import SigningKeys
from auth_service.tokens.models import SigningKey
from auth_service.tokens.signing_key import new_key, open_public, open_signer, thumbprint
from tests.conftest import SECRET, AppFactory, bearer, client_of, settings_for

OTHER_SECRET = "another secret of the tests, at least 32 characters"
KEYRING = Keyring.of([SECRET])
# RFC 7638 section 3.1.
RFC_7638_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
        "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
        "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
        "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    assert thumbprint(RFC_7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [(JwtAlgorithm.ES256, {"kty", "crv", "x", "y"}), (JwtAlgorithm.RS256, {"kty", "n", "e"})],
)
def test_a_key_is_named_by_its_thumbprint_and_published_without_its_secret(
    algorithm: JwtAlgorithm, members: set[str]
) -> None:
    key = new_key(algorithm, KEYRING, SystemClock().now())
    assert key.kid == thumbprint(key.public_jwk)
    assert set(key.public_jwk) == members
    message = b"message"
    assert open_public(key).verify(message, open_signer(key, KEYRING).sign(message))


def test_no_two_keys_are_the_same() -> None:
    now = SystemClock().now()
    kids = {new_key(JwtAlgorithm.ES256, KEYRING, now).kid for _ in range(5)}
    assert len(kids) == 5


async def stored_keys(database: Database) -> list[Any]:
    async with database.transaction() as db:
        return list(await db.execute(select(*SigningKey.__table__.columns)))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_the_database_holds_no_private_key_in_the_clear(
    new_app: AppFactory, algorithm: str
) -> None:
    async with new_app(jwt_algorithm=algorithm) as app:
        [row] = await stored_keys(app.state.database)
        keys = await app.state.signing_keys.get()
    private = keys.signer.key.to_dict()
    everything = b"".join(
        value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
        for value in row
    )
    assert b"PRIVATE KEY" not in everything
    for member in {"d", "p", "q", "dp", "dq", "qi"} & set(private):
        assert private[member].encode() not in everything
    assert "d" not in row.public_jwk


async def test_another_secret_does_not_open_the_key_and_says_so(new_app: AppFactory) -> None:
    async with new_app():
        pass
    with pytest.raises(UndecryptableError, match="none of AUTH_SECRET_KEYS"):
        async with new_app(secret_keys=[OTHER_SECRET]):
            pass


async def test_a_key_moved_to_another_row_does_not_open() -> None:
    now = SystemClock().now()
    one, other = (new_key(JwtAlgorithm.ES256, KEYRING, now) for _ in range(2))
    with pytest.raises(UndecryptableError):
        open_signer(replace(one, private_key=other.private_key), KEYRING)


async def test_a_new_first_secret_keeps_the_key_and_its_tokens(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app() as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
    async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as app, client_of(app) as client:
        assert (await client.get("/users/me", headers=bearer(opened))).status_code == 200
        assert len(await stored_keys(app.state.database)) == 1


async def test_each_algorithm_has_a_key_of_its_own(new_app: AppFactory) -> None:
    for algorithm in ("ES256", "RS256", "ES256"):
        async with new_app(jwt_algorithm=algorithm) as app:
            rows = await stored_keys(app.state.database)
    assert sorted((row.algorithm, row.state) for row in rows) == [
        ("ES256", "active"),
        ("RS256", "active"),
    ]


async def test_a_restart_makes_no_new_key(new_app: AppFactory) -> None:
    for _ in range(3):
        async with new_app() as app:
            rows = await stored_keys(app.state.database)
    assert len(rows) == 1


async def test_many_who_ask_one_service_for_its_keys_get_the_same(database_url: str) -> None:
    state = create_app(settings_for(database_url)).state
    keys = await asyncio.gather(*(state.signing_keys.get() for _ in range(20)))
    assert len({id(found) for found in keys}) == 1
    assert len(await stored_keys(state.database)) == 1
    await state.database.close()


async def test_many_services_that_start_together_make_one_key(database_url: str) -> None:
    settings = settings_for(database_url)
    database = Database.from_settings(settings)

    def service(settings: Settings) -> SigningKeys:
        return SigningKeys(
            database=database, keyring=KEYRING, clock=SystemClock(), settings=settings
        )

    keys = await asyncio.gather(*(service(settings).get() for _ in range(20)))
    assert len({found.signer.kid for found in keys}) == 1
    assert len(await stored_keys(database)) == 1
    await database.close()


async def test_a_key_is_made_when_the_first_token_is_asked_for(
    database_url: str, app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    """A worker that started without its database finds the keys once it is back."""
    late = create_app(settings_for(database_url))
    claims = await late.state.access_tokens.verify(tokens["access_token"])
    assert claims.session_id == tokens["session_id"]
    await late.state.database.close()
