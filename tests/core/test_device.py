"""Names for devices, as their owners know them."""

import pytest

from auth_service.core.device import UNKNOWN, device_name, well_known_device_name

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
ODD_SYSTEM = "Mozilla/5.0 (PlayStation 5) AppleWebKit/605 (KHTML, like Gecko) Chrome/80.0 Safari/1"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("orders-service/1.2 (internal)", "orders-service"),
        ("x" * 500, "x" * 40),
    ],
)
def test_a_program_and_its_system_are_named(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@pytest.mark.parametrize("user_agent", [None, "", "   "])
def test_whoever_says_nothing_is_unknown(user_agent: str | None) -> None:
    assert device_name(user_agent) == well_known_device_name(user_agent) == UNKNOWN


@pytest.mark.parametrize(
    ("user_agent", "name"), [(FIREFOX, "Firefox on Windows"), ("curl/8.5.0", "curl")]
)
def test_well_known_programs_keep_their_name(user_agent: str, name: str) -> None:
    assert well_known_device_name(user_agent) == name


@pytest.mark.parametrize(
    "user_agent", ["https://evil.example.com", "orders-service/1.2", "<b>Firefox</b>", "/"]
)
def test_nothing_else_that_a_client_says_is_well_known(user_agent: str) -> None:
    assert well_known_device_name(user_agent) in {UNKNOWN, "Firefox"}


def test_a_system_that_is_not_well_known_is_left_out() -> None:
    assert well_known_device_name(ODD_SYSTEM).partition(" on ")[2] in {"", "Linux"}
