"""Fixtures of the outbox's tests."""

from collections.abc import AsyncIterator

import pytest

from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from tests.conftest import settings_for
from tests.mail.stored_mail import KEYRING
from tests.moving_clock import MovingClock


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database.from_settings(settings_for(database_url))
    yield found
    await found.close()


@pytest.fixture
def outbox(clock: MovingClock) -> Outbox:
    return Outbox(keyring=KEYRING, clock=clock)
