"""An issuer to fetch from, a clock to move, and verifiers that use both."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from auth_service.verifier import TokenVerifier
from tests.verifier.loopback_issuer import LoopbackIssuer, running_issuer, until
from tests.verifier.token_maker import AUDIENCE, ISSUER, NOW


class Ticks:
    """Seconds that pass when a test says so; they stand for both clocks."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return self.passed

    def clock(self) -> float:
        return NOW + self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds


NewVerifier = Callable[..., TokenVerifier]


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def new_verifier(issuer: LoopbackIssuer, ticks: Ticks) -> NewVerifier:
    """Make verifiers that fetch from the loopback issuer, whose tokens name the real one."""

    def new(**options: Any) -> TokenVerifier:
        settings: dict[str, Any] = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_url": f"{issuer.url}/.well-known/jwks.json",
            "introspection_url": f"{issuer.url}/oauth/introspect",
            "revocations_url": f"{issuer.url}/.well-known/revocations",
            "clock": ticks.clock,
            "monotonic": ticks.monotonic,
        }
        return TokenVerifier(**(settings | options))

    return new


@pytest.fixture
def verifier(new_verifier: NewVerifier) -> TokenVerifier:
    return new_verifier()


def settle(verifier: TokenVerifier) -> None:
    """Wait until no fetch is under way."""
    until(lambda: verifier._keys._under_way is None)
