"""The configuration texts for proxies that are shown but not run here."""

import re
from typing import Any

import httpx
import pytest
import yaml

from auth_service.settings import Settings
from tests.docs.code_blocks import block_named, code_blocks

ISSUER = "http://localhost:8000"
TYPES = "type.googleapis.com/envoy.extensions.filters.http."
UNRUN = {"yaml", "caddyfile"}
TOLD = ["X-Auth-User-Id", "X-Auth-Email", "X-Auth-Roles", "X-Auth-Session-Id"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite, as `make run` has it."""
    return sqlite_url


@pytest.fixture
def filters() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(block_named("envoy.yaml"))["http_filters"]
    return found


@pytest.fixture
def provider(filters: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = filters[0]["typed_config"]["providers"]["auth_service"]
    return found


def test_envoy_checks_tokens_before_it_routes(filters: list[dict[str, Any]]) -> None:
    assert [(each["name"], each["typed_config"]["@type"]) for each in filters] == [
        ("envoy.filters.http.jwt_authn", f"{TYPES}jwt_authn.v3.JwtAuthentication"),
        ("envoy.filters.http.router", f"{TYPES}router.v3.Router"),
    ]


def test_envoy_asks_for_a_token_everywhere(filters: list[dict[str, Any]]) -> None:
    assert filters[0]["typed_config"]["rules"] == [
        {"match": {"prefix": "/"}, "requires": {"provider_name": "auth_service"}}
    ]


def test_envoy_knows_issuer_audience_and_expiry(provider: dict[str, Any]) -> None:
    settings = Settings(_env_file=None)
    assert provider["issuer"] == settings.issuer == ISSUER
    assert provider["audiences"] == [settings.audience]
    assert provider["require_expiration"] is True
    assert provider["clock_skew_seconds"] <= 60


async def test_envoy_fetches_the_published_keys_as_often_as_they_say(
    provider: dict[str, Any], client: httpx.AsyncClient
) -> None:
    remote = provider["remote_jwks"]
    assert remote["http_uri"]["cluster"] == "auth_service"
    published = await client.get(remote["http_uri"]["uri"])
    assert published.json()["keys"]
    seconds = remote["cache_duration"].removesuffix("s")
    assert f"max-age={seconds}" in published.headers["cache-control"]


def test_envoy_takes_no_token_from_an_address(provider: dict[str, Any]) -> None:
    assert provider["from_headers"] == [{"name": "Authorization", "value_prefix": "Bearer "}]
    assert not {"from_params", "from_cookies"} & set(provider)


def test_traefik_asks_and_copies_what_it_is_told() -> None:
    text = block_named("dynamic configuration")
    assert yaml.safe_load(text)["http"]["middlewares"]["auth-service"]["forwardAuth"] == {
        "address": f"{ISSUER}/auth/validate",
        "authRequestHeaders": ["Authorization"],
        "authResponseHeaders": TOLD,
    }


def test_caddy_takes_away_what_the_client_claims_before_it_asks() -> None:
    lines = [line.strip() for line in block_named("Caddyfile").splitlines()]
    assert lines[2:8] == [
        "route {",
        "request_header -X-Auth*",
        "request_header -X_Auth*",
        "forward_auth 127.0.0.1:8000 {",
        "uri /auth/validate",
        f"copy_headers {' '.join(TOLD)}",
    ]


def test_what_was_not_run_says_so() -> None:
    for language, text in code_blocks():
        assert (language in UNRUN) is ("not run by our tests" in text.splitlines()[0]), text


def test_every_other_block_is_one_that_a_test_runs() -> None:
    shown = [text.split("\n")[0] for kind, text in code_blocks() if kind not in UNRUN]
    assert [re.split(r"[ ,]", line)[1] for line in shown] == [
        "with_verifier.py",
        "with_introspection.py",
        "with_revocations.py",
        "with_fastapi.py",
        "with_pyjwt.py",
        "published_keys.py",
        "with_joserfc.py",
        "with_authlib.py",
        "with_jose.mjs",
        "protected.conf",
    ]
