"""A hasher of the lowest cost, so that the tests are quick."""

from collections.abc import AsyncIterator

import pytest

from auth_service.methods.password.hashing import PasswordHasher
from auth_service.setting_types import PasswordScheme


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    hasher = PasswordHasher(
        scheme=PasswordScheme.BCRYPT_SHA256, bcrypt_rounds=4, threads=2, queue=8
    )
    yield hasher
    await hasher.aclose()
