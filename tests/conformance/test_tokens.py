"""Our own check judges every conformance token as the file says."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from jose import jwk

from auth_service.verifier import TokenVerifier
from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import PublicKey, StrictCheck
from tests.conformance.vectors import VECTORS, every_case
from tests.third_party.jwks_host import jwks_host

# A Python that cannot read 1,000 levels of JSON says so before it comes to what they hold.
UNREADABLE: Final = {"nested-header"}


@pytest.fixture(scope="module")
def keys() -> dict[str, PublicKey]:
    return {key["kid"]: jwk.construct(key, key["alg"]) for key in VECTORS["jwks"]["keys"]}


@pytest.fixture(scope="module")
def strict() -> StrictCheck:
    return StrictCheck(
        issuer=VECTORS["issuer"],
        audience=VECTORS["audience"],
        algorithm=VECTORS["algorithm"],
        now=time.time,
    )


@every_case
def test_the_verdict_is_the_one_in_the_file(
    strict: StrictCheck, keys: dict[str, PublicKey], case: dict[str, Any]
) -> None:
    if case["verdict"] == "valid":
        assert strict.verify(case["token"], keys).issuer == VECTORS["issuer"]
        return
    with pytest.raises(InvalidTokenError) as refusal:
        strict.verify(case["token"], keys)
    expected = {case["check"]} | ({"json"} if case["id"] in UNREADABLE else set())
    assert refusal.value.check in expected


@pytest.fixture(scope="module")
def verifier() -> Iterator[TokenVerifier]:
    with jwks_host(VECTORS["jwks"]) as (uri, _):
        yield TokenVerifier(
            issuer=VECTORS["issuer"],
            audience=VECTORS["audience"],
            algorithm=VECTORS["algorithm"],
            jwks_url=uri,
        )


@every_case
def test_the_verifier_for_other_services_says_the_same(
    verifier: TokenVerifier, case: dict[str, Any]
) -> None:
    for _ in range(2):  # the second time, a good one is remembered
        if case["verdict"] == "valid":
            assert verifier.verify_sync(case["token"]).issuer == VECTORS["issuer"]
        else:
            with pytest.raises(InvalidTokenError):
                verifier.verify_sync(case["token"])
