"""Configuration that would verify nothing is refused when it is given, not when a token comes."""

import math
from typing import Any

import pytest

from auth_service.verifier import (
    ClientCredentials,
    RevocationFeed,
    TokenVerifier,
    verify_webhook,
)
from auth_service.verifier.fastapi import RequireToken
from auth_service.webhooks.signing import signed_headers

BODY = b"{}"
NOW = 1_800_000_000
SECRET = "whsec_" + "QUJD" * 10 + "QUI="
GOOD: dict[str, Any] = {"issuer": "https://auth.example.com", "audience": "https://api.example.com"}


def signed_with(secret: str) -> dict[str, str]:
    return signed_headers([secret], "msg_1", NOW, BODY)


@pytest.mark.parametrize(
    "secrets",
    [[], [""], ["whsec_"], [SECRET, ""], [SECRET, "whsec_"], ["whsec_AAAA"], ["x y"]],
)
def test_a_secret_that_is_not_set_is_refused(secrets: list[str]) -> None:
    headers = signed_with("whsec_")
    with pytest.raises(ValueError, match="secret"):
        verify_webhook(headers, BODY, secrets=secrets, clock=lambda: NOW)


@pytest.mark.parametrize("secrets", [SECRET, [None], [SECRET, None], [b"x" * 32]])
def test_secrets_are_a_list_of_texts(secrets: Any) -> None:
    with pytest.raises(TypeError):
        verify_webhook(signed_with("whsec_"), BODY, secrets=secrets, clock=lambda: NOW)


@pytest.mark.parametrize("tolerance", [0, -1, math.inf, math.nan])
def test_a_tolerance_that_tells_no_time_apart_is_refused(tolerance: float) -> None:
    secret = SECRET
    with pytest.raises(ValueError, match="tolerance"):
        verify_webhook(
            signed_with(secret), BODY, secrets=[secret], tolerance=tolerance, clock=lambda: NOW
        )


@pytest.mark.parametrize("name", ["issuer", "audience"])
@pytest.mark.parametrize("value", ["", "  ", None])
def test_issuer_and_audience_have_to_be_set(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="issuer and audience"):
        TokenVerifier(**(GOOD | {name: value}), jwks_url="https://auth.example.com/jwks")


@pytest.mark.parametrize("name", ["timeout", "ttl", "longest_staleness", "cooldown"])
@pytest.mark.parametrize("value", [-1, math.inf, math.nan])
def test_a_duration_is_a_finite_number(name: str, value: float) -> None:
    durations: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match="makes no sense"):
        TokenVerifier(**GOOD, **durations)


@pytest.mark.parametrize(("client_id", "secret"), [("", "x"), ("x", ""), (None, "x"), ("x", None)])
def test_credentials_have_to_be_set(client_id: Any, secret: Any) -> None:
    with pytest.raises(ValueError, match="have to be set"):
        ClientCredentials(client_id, secret)


@pytest.mark.parametrize("durations", [{"interval": math.nan}, {"longest_staleness": math.inf}])
def test_a_list_that_never_ages_is_refused(durations: dict[str, float]) -> None:
    feed = RevocationFeed(ClientCredentials("id", "secret"), **durations)
    with pytest.raises(ValueError, match="makes no sense"):
        TokenVerifier(**GOOD, revocations=feed)


@pytest.mark.parametrize("roles", [[""], ["admin", " "]])
def test_a_role_is_not_empty(roles: list[str]) -> None:
    with pytest.raises(ValueError, match="role is empty"):
        RequireToken(TokenVerifier(**GOOD), roles=roles)


@pytest.mark.parametrize("names", [{"roles": [None]}, {"scopes": [None]}])
def test_scopes_and_roles_are_texts(names: Any) -> None:
    with pytest.raises(TypeError):
        RequireToken(TokenVerifier(**GOOD), **names)
