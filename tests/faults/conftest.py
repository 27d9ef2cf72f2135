"""What faults are made with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.faults.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, which is not running yet."""
    if shutil.which("redis-server") is None:
        missing("redis-server")
    found = RedisServer(tmp_path)
    yield found
    found.stop()
    found.client.close()
