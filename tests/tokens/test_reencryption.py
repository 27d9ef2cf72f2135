"""Signing keys put under a new secret, so that the old one can be dropped."""

import pytest
from fastapi import FastAPI

from auth_service.core.secrets import UndecryptableError
from auth_service.tokens.signing_key import StoredKey
from tests.conftest import SECRET, AppFactory, bearer, client_of

OTHER_SECRET = "another secret of the tests, at least 32 characters"


async def reencrypt(app: FastAPI) -> list[StoredKey]:
    async with app.state.database.transaction() as db:
        found: list[StoredKey] = await app.state.signing_keys.reencrypt(db)
        return found


async def test_after_reencryption_the_old_secret_is_not_needed(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app() as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
        before = await app.state.access_tokens.jwks()
    async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as app:
        assert len(await reencrypt(app)) == 1
    async with new_app(secret_keys=[OTHER_SECRET]) as app, client_of(app) as client:
        assert (await client.get("/users/me", headers=bearer(opened))).status_code == 200
        assert await app.state.access_tokens.jwks() == before


async def test_after_reencryption_the_old_secret_opens_nothing(new_app: AppFactory) -> None:
    async with new_app():
        pass
    async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as app:
        await reencrypt(app)
    with pytest.raises(UndecryptableError):
        async with new_app(secret_keys=[SECRET]):
            pass


async def test_a_key_under_the_current_secret_is_left_alone(app: FastAPI) -> None:
    assert await reencrypt(app) == []


@pytest.mark.parametrize(
    ("algorithm", "members"), [("ES256", {"crv", "x", "y"}), ("RS256", {"n", "e"})]
)
async def test_what_is_published_has_public_members_only(
    new_app: AppFactory, algorithm: str, members: set[str]
) -> None:
    async with new_app(jwt_algorithm=algorithm) as app:
        [key] = (await app.state.access_tokens.jwks())["keys"]
        signer = (await app.state.signing_keys.get()).signer
    assert set(key) == {"kty", "kid", "alg", "use"} | members
    assert (key["kid"], key["alg"], key["use"]) == (signer.kid, algorithm, "sig")
