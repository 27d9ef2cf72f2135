"""People move over with the hashes of other frameworks, which the first login replaces."""

import base64
import hashlib

import httpx
import pytest
from fastapi import FastAPI
from passlib.hash import argon2, bcrypt

from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.errors import Busy
from auth_service.methods.password.hashing import PasswordHasher
from tests.conftest import PASSWORD
from tests.flows.stored_rows import change_users, stored_users
from tests.flows.watched_hashing import count_hashing

RIGHT = {"email": "ada@example.com", "password": PASSWORD}


def _pbkdf2(iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", iterations)


def _scrypt() -> bytes:
    return hashlib.scrypt(PASSWORD.encode(), salt=b"salt", n=1024, r=8, p=1)


OUTDATED = {
    "werkzeug-pbkdf2": f"pbkdf2:sha256:1000$salt${_pbkdf2(1000).hex()}",
    "werkzeug-scrypt": f"scrypt:1024:8:1$salt${_scrypt().hex()}",
    "django-pbkdf2": f"pbkdf2_sha256$1000$salt${base64.b64encode(_pbkdf2(1000)).decode()}",
    "bcrypt": bcrypt.using(rounds=4).hash(PASSWORD),
    "argon2id": argon2.using(type="ID", memory_cost=64, time_cost=1, parallelism=1).hash(PASSWORD),
}


class FullForNewHashes(PasswordHasher):
    """Checks passwords, but is too busy to make a hash."""

    async def hash(self, password: str) -> PasswordHash:  # noqa: ARG002 - as its parent
        raise Busy


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.post("/auth/register", json=RIGHT)
    return client


@pytest.mark.parametrize("scheme", OUTDATED)
async def test_a_login_replaces_an_outdated_hash(
    app: FastAPI, ada: httpx.AsyncClient, scheme: str
) -> None:
    await change_users(app, password_hash=OUTDATED[scheme])
    assert (await ada.post("/auth/login", json=RIGHT)).status_code == 200
    (user,) = await stored_users(app)
    assert user.password_hash is not None
    assert user.password_hash.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert (await ada.post("/auth/login", json=RIGHT)).status_code == 200


@pytest.mark.parametrize("scheme", OUTDATED)
async def test_a_wrong_password_replaces_nothing(
    app: FastAPI, ada: httpx.AsyncClient, scheme: str
) -> None:
    await change_users(app, password_hash=OUTDATED[scheme])
    answer = await ada.post("/auth/login", json=RIGHT | {"password": "wrong"})
    assert answer.status_code == 401
    (user,) = await stored_users(app)
    assert user.password_hash == OUTDATED[scheme]


async def test_a_disabled_account_gets_no_new_hash(app: FastAPI, ada: httpx.AsyncClient) -> None:
    await change_users(
        app, password_hash=OUTDATED["bcrypt"], disabled_at=app.state.login._clock.now()
    )
    assert (await ada.post("/auth/login", json=RIGHT)).status_code == 401
    (user,) = await stored_users(app)
    assert user.password_hash == OUTDATED["bcrypt"]


async def test_a_current_hash_is_left_as_it_is(app: FastAPI, ada: httpx.AsyncClient) -> None:
    (before,) = await stored_users(app)
    scheme = count_hashing(app)
    await ada.post("/auth/login", json=RIGHT)
    (after,) = await stored_users(app)
    assert after.password_hash == before.password_hash
    assert scheme.work == ["verify"]


async def test_a_login_does_not_fail_for_want_of_a_better_hash(
    app: FastAPI, ada: httpx.AsyncClient
) -> None:
    await change_users(app, password_hash=OUTDATED["bcrypt"])
    app.state.hasher.__class__ = FullForNewHashes
    assert (await ada.post("/auth/login", json=RIGHT)).status_code == 200
    (user,) = await stored_users(app)
    assert user.password_hash == OUTDATED["bcrypt"]
