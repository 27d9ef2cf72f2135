"""The verifier in a process of its own: what is loaded with it, and what is not."""

import json
import subprocess
import sys
from typing import Final

import pytest

from tests.verifier.loopback_issuer import KEY, LoopbackIssuer
from tests.verifier.token_maker import NOW

SERVER_PARTS: Final = {
    "alembic", "fastapi", "jose", "passlib", "pydantic", "pydantic_settings", "sqlalchemy",
    "starlette", "structlog", "uvicorn",
}  # fmt: skip
LISTING: Final = "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
WORKING: Final = """
from auth_service.verifier import *
import asyncio, sys
verifier = TokenVerifier(
    issuer="https://auth.example.com", audience="https://api.example.com",
    jwks_url={url!r}, clock=lambda: {now},
)
assert asyncio.run(verifier.verify({token!r})) == verifier.verify_sync({token!r})
"""
EVERY_MODULE: Final = """
import importlib, pkgutil, auth_service.verifier as package
for found in pkgutil.iter_modules(package.__path__, "auth_service.verifier."):
    if not found.name.endswith(".fastapi"):
        importlib.import_module(found.name)
"""


def loaded_by(script: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script + LISTING],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def others(modules: set[str]) -> set[str]:
    """What was loaded of the server and of what only the server needs."""
    allowed = ("auth_service.verifier.", "auth_service.verifier")
    ours = {name for name in modules if name.startswith("auth_service.")}
    return (modules & SERVER_PARTS) | {name for name in ours if not name.startswith(allowed)}


def test_importing_it_loads_no_part_of_the_server() -> None:
    assert others(loaded_by("from auth_service.verifier import *")) == set()


def test_none_of_its_modules_but_one_loads_a_part_of_the_server() -> None:
    assert others(loaded_by(EVERY_MODULE)) == set()


def test_working_with_it_loads_no_part_of_the_server(issuer: LoopbackIssuer) -> None:
    script = WORKING.format(url=issuer.url, now=NOW, token=KEY.token())
    assert others(loaded_by(script)) == set()
    assert issuer.fetches == 1


@pytest.mark.parametrize("name", ["strict", "cache", "claims", "compact", "errors", "strict_json"])
def test_what_the_server_uses_of_it_loads_no_http_client(name: str) -> None:
    loaded = loaded_by(f"import auth_service.verifier.{name}")
    assert not loaded & {"httpx", "asyncio", "cryptography"}
