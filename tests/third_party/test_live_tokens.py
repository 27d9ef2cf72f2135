"""Libraries that others wrote trust a running server's tokens, and nobody else's.

Each test runs the snippet that `docs/validating-tokens.md` shows, on the keys that are published.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.third_party.forger import read
from tests.third_party.libraries import Library, each_library
from tests.third_party.live_service import LiveService, live_service

FORGERIES: Final = [
    "expired",
    "wrong-signature",
    "no-signature",
    "other-payload",
    "alg-none",
    "alg-none-signed",
    "mac-with-the-public-key",
    "own-key",
    "own-key-unknown-kid",
    "own-key-embedded",
]


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def service(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    folder = tmp_path_factory.mktemp(request.param)
    with live_service(request.param, sqlite_template, folder) as started:
        yield started


@each_library
def test_a_live_token_is_accepted_and_says_what_it_says(
    service: LiveService, library: Library
) -> None:
    verdict = service.judged_by(library)["good"]
    assert verdict == {"verdict": "accepted", "claims": read(service.token.split(".")[1])}


def test_every_forgery_has_its_test(service: LiveService) -> None:
    assert list(service.forger.forgeries()) == FORGERIES


@each_library
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_refused(service: LiveService, library: Library, forgery: str) -> None:
    assert service.judged_by(library)[forgery] == {"verdict": "refused"}


@each_library
@pytest.mark.parametrize("constant", ["ISSUER", "AUDIENCE"])
def test_a_token_of_or_for_somebody_else_is_refused(
    service: LiveService, library: Library, constant: str
) -> None:
    claims = read(service.token.split(".")[1])
    expected = {"ISSUER": claims["iss"], "AUDIENCE": claims["aud"]}
    expected[constant] = "https://other.example.com"
    found = service.judge(library, [service.token], **expected, folder=constant)
    assert found == [{"verdict": "refused"}]


@each_library
def test_a_token_under_another_algorithm_is_refused(service: LiveService, library: Library) -> None:
    other = {"ES256": "RS256", "RS256": "ES256"}[service.algorithm]
    found = service.judge(library, [service.token], folder="ALGORITHM", ALGORITHM=other)
    assert found == [{"verdict": "refused"}]
