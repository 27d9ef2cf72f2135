"""What a JWK Set shows of a key."""

import pytest

from tests.conftest import AppFactory


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
