"""What a service may ask of its verifier, and what it may not."""

import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

import auth_service.verifier
from auth_service.verifier import AccessClaims, InvalidTokenError, TokenVerifier
from auth_service.verifier.public_keys import published_keys
from tests.verifier.conftest import NewVerifier
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer
from tests.verifier.test_public_keys import rsa_jwk
from tests.verifier.token_maker import AUDIENCE, CLAIMS, HEADER, ISSUER, NOW, base64url, token


def new(**changes: Any) -> TokenVerifier:
    return TokenVerifier(**({"issuer": ISSUER, "audience": AUDIENCE} | changes))


def test_what_is_public_is_there() -> None:
    for name in auth_service.verifier.__all__:
        assert getattr(auth_service.verifier, name).__module__.startswith("auth_service.verifier.")


def test_what_is_not_there_is_told_in_the_usual_way() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Verifier'"):
        auth_service.verifier.Verifier  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"issuer": "https://auth.example.com"}, "https://auth.example.com/.well-known/jwks.json"),
        ({"issuer": "https://a.example/x/"}, "https://a.example/x/.well-known/jwks.json"),
        ({"issuer": "any", "jwks_url": "https://keys.example/"}, "https://keys.example/"),
    ],
)
def test_the_keys_are_where_the_issuer_publishes_them(options: dict[str, str], asked: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == asked
        return httpx.Response(200, json={"keys": [KEY.jwk()]})

    verifier = new(
        **options,
        clock=lambda: NOW,
        new_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )
    assert verifier.verify_sync(KEY.token(iss=options["issuer"])).issuer == options["issuer"]


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"algorithm": ""},
        {"issuer": "auth.example.com"},
        {"issuer": "ftp://auth.example.com"},
        {"jwks_url": "file:///etc/keys.json"},
        {"timeout": 0},
        {"timeout": -1},
        {"ttl": 0},
        {"longest_staleness": 0},
        {"cooldown": -1},
        {"cache_size": -1},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"supported|neither|no sense"):
        new(**changes)


@pytest.mark.parametrize(
    ("claims", "check"),
    [
        ({"iss": "https://other.example.com"}, "iss"),
        ({"aud": "https://other.example.com"}, "aud"),
        ({"exp": NOW}, "exp"),
        ({"iat": NOW + 61}, "iat"),
    ],
)
async def test_a_refusal_says_which_check_failed(
    verifier: TokenVerifier, claims: dict[str, Any], check: str
) -> None:
    with pytest.raises(InvalidTokenError) as refusal:
        await verifier.verify(KEY.token(**claims))
    assert refusal.value.check == check
    with pytest.raises(InvalidTokenError) as refusal:
        verifier.verify_sync(KEY.token(**claims))
    assert refusal.value.check == check


def test_a_refused_token_is_not_remembered(verifier: TokenVerifier) -> None:
    text = KEY.token(aud="https://other.example.com")
    for _ in range(2):
        with pytest.raises(InvalidTokenError, match="aud"):
            verifier.verify_sync(text)
    assert not verifier._keys.get().verified._claims


RSA = rsa.generate_private_key(public_exponent=65537, key_size=3072)


def rs256_token() -> str:
    header = {"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, CLAIMS))
    return f"{text}.{base64url(RSA.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def test_an_issuer_that_signs_with_rsa_is_verified_with_rsa(
    new_verifier: NewVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.publish_jwks([KEY.jwk(), rsa_jwk(RSA)])
    verifier = new_verifier(algorithm="RS256")
    assert verifier.verify_sync(rs256_token()).subject == "somebody"
    with pytest.raises(InvalidTokenError, match="alg"):
        verifier.verify_sync(KEY.token())


def test_a_verifier_for_one_algorithm_refuses_the_other(
    verifier: TokenVerifier, issuer: LoopbackIssuer
) -> None:
    issuer.publish_jwks([KEY.jwk(), rsa_jwk(RSA)])
    with pytest.raises(InvalidTokenError, match="alg"):
        verifier.verify_sync(rs256_token())


def test_the_header_of_a_signed_token_is_read_once_and_of_no_other(
    verifier: TokenVerifier,
) -> None:
    header = KEY.token().partition(".")[0]
    with pytest.raises(InvalidTokenError, match="signature"):
        verifier.verify_sync(f"{header}.e30.{'A' * 86}")
    assert verifier._check._key_ids == {}
    claims = verifier.verify_sync(KEY.token())
    assert verifier._check._key_ids == {header: KEY.kid}
    assert isinstance(claims, AccessClaims)


def test_few_headers_are_remembered(verifier: TokenVerifier, issuer: LoopbackIssuer) -> None:
    keys = published_keys(issuer.body, "ES256")
    for number in range(40):
        verifier._check.verify(token(HEADER | {"x": number}), keys)
        assert 0 < len(verifier._check._key_ids) <= 16
