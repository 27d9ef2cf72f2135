"""What `serve` tells a newcomer before it serves."""

import json

import pytest

from auth_service.cli.serving import _address_to_open, _announce
from auth_service.web.logging import configure_logging
from tests.conftest import settings_for


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - listened on everywhere, opened here
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, address: str) -> None:
    assert _address_to_open(host, 8000) == address


@pytest.mark.parametrize(("port", "told"), [(8000, False), (8001, True)])
def test_an_issuer_at_another_address_is_told(
    capsys: pytest.CaptureFixture[str], port: int, *, told: bool
) -> None:
    _announce(settings_for("sqlite://"), "localhost", port, has_admin=True)
    assert ("Issuer:" in capsys.readouterr().out) is told


def test_a_json_log_gets_it_as_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_for("sqlite://", environment="development", log_format="json")
    configure_logging(settings)
    _announce(settings, "localhost", 8000, has_admin=False)
    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["docs"]) == ("serving", "http://localhost:8000/docs")
    assert told["mail"] == "http://localhost:8000/dev/mailbox"
    assert "users create" in told["admin"]
