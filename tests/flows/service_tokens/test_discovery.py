"""What another service needs to trust our tokens is published, and nothing more."""

import base64
import json
from typing import Any

import httpx
import pytest
from jose import jwk

from tests.conftest import AppFactory, client_of

ADDRESSES = (
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_a_token_verifies_with_the_published_key_alone(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    header, payload, signature = tokens["access_token"].split(".")
    found = (await client.get("/.well-known/jwks.json")).json()
    key = next(k for k in found["keys"] if k["kid"] == json.loads(decoded(header))["kid"])
    verifier = jwk.construct(key, key["alg"])
    assert verifier.verify(f"{header}.{payload}".encode(), decoded(signature))
    assert not verifier.verify(f"{header}.{payload}x".encode(), decoded(signature))


@pytest.mark.parametrize(
    ("algorithm", "members"), [("ES256", {"crv", "x", "y"}), ("RS256", {"n", "e"})]
)
async def test_only_public_members_are_published(
    new_app: AppFactory, algorithm: str, members: set[str]
) -> None:
    async with new_app(jwt_algorithm=algorithm) as app, client_of(app) as http:
        (key,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert set(key) == {"kty", "kid", "alg", "use"} | members
    assert (key["alg"], key["use"]) == (algorithm, "sig")


async def test_keys_of_another_algorithm_than_the_configured_one_are_not_published(
    new_app: AppFactory,
) -> None:
    async with new_app(jwt_algorithm="ES256"):
        pass
    async with new_app(jwt_algorithm="RS256") as app, client_of(app) as http:
        found = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["alg"] for key in found] == ["RS256"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_it_may_be_cached_and_asked_for_again(
    client: httpx.AsyncClient, address: str
) -> None:
    first = await client.get(address)
    assert first.headers["cache-control"] == "public, max-age=300"
    for same in (first.headers["etag"], f"W/{first.headers['etag']}", "*"):
        again = await client.get(address, headers={"If-None-Match": same})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
    other = await client.get(address, headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


async def test_both_metadata_addresses_name_endpoints_that_exist(
    client: httpx.AsyncClient,
) -> None:
    first, second = [(await client.get(address)).json() for address in ADDRESSES[1:]]
    assert first == second
    assert first["issuer"] == "http://localhost:8000"
    assert (await client.get(first["jwks_uri"])).status_code == 200
    refused = await client.post(first["token_endpoint"], data={"grant_type": "none"})
    assert refused.json()["error"] == "unsupported_grant_type"
    for name in ("introspection_endpoint", "revocation_endpoint"):
        assert (await client.post(first[name])).json()["error"] in {
            "invalid_client",
            "invalid_request",
        }
    assert first["grant_types_supported"] == ["password", "refresh_token", "client_credentials"]
    assert first["token_endpoint_auth_methods_supported"] == [
        "none",
        "client_secret_basic",
        "client_secret_post",
    ]
