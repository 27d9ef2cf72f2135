"""What a browser is known by, and that nobody can make it up."""

from uuid import UUID

import pytest

from auth_service.core.secrets import Keyring
from auth_service.throttle.known_devices import DEVICE_TTL, MAXIMUM_LENGTH, KnownDevices
from tests.moving_clock import MovingClock

ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture
def devices(clock: MovingClock) -> KnownDevices:
    return KnownDevices(keyring=Keyring.of(["a secret"]), clock=clock)


def test_a_device_is_known_to_the_account_it_logged_in_to(devices: KnownDevices) -> None:
    cookie = devices.remember(None, ADA)
    assert devices.find(cookie, ADA)
    assert devices.find(cookie, BOB) is None


def test_a_device_keeps_its_id_over_logins(devices: KnownDevices) -> None:
    cookie = devices.remember(None, ADA)
    assert devices.find(devices.remember(cookie, ADA), ADA) == devices.find(cookie, ADA)


def test_two_devices_have_two_ids(devices: KnownDevices) -> None:
    assert devices.find(devices.remember(None, ADA), ADA) != devices.find(
        devices.remember(None, ADA), ADA
    )


def test_a_browser_is_known_to_the_last_five_accounts(devices: KnownDevices) -> None:
    people = [UUID(int=number) for number in range(1, 7)]
    cookie = None
    for person in people:
        cookie = devices.remember(cookie, person)
    assert [devices.find(cookie, person) is not None for person in people] == [False] + [True] * 5
    assert cookie is not None
    assert len(cookie) <= MAXIMUM_LENGTH


def test_a_device_is_forgotten_after_so_long_without_a_login(
    devices: KnownDevices, clock: MovingClock
) -> None:
    cookie = devices.remember(None, ADA)
    clock.advance(seconds=DEVICE_TTL.total_seconds() - 1)
    assert devices.find(cookie, ADA)
    clock.advance(seconds=2)
    assert devices.find(cookie, ADA) is None


def test_an_older_secret_still_proves_a_device(clock: MovingClock) -> None:
    cookie = KnownDevices(keyring=Keyring.of(["old"]), clock=clock).remember(None, ADA)
    rotated = KnownDevices(keyring=Keyring.of(["new", "old"]), clock=clock)
    assert rotated.find(cookie, ADA)
    assert KnownDevices(keyring=Keyring.of(["new"]), clock=clock).find(cookie, ADA) is None


@pytest.mark.parametrize(
    "cookie",
    [None, "", ".", "é", "====", "A", "AAAA", "A" * 70, "A" * 100_000, ".".join(["A" * 70] * 7)],
)
def test_what_is_no_device_cookie_is_nobodys(devices: KnownDevices, cookie: str | None) -> None:
    assert devices.find(cookie, ADA) is None
    assert devices.find(devices.remember(cookie, ADA), ADA)


def test_a_changed_cookie_is_nobodys(devices: KnownDevices) -> None:
    cookie = devices.remember(None, ADA)
    for place in range(len(cookie) - 1):
        changed = cookie[:place] + ("B" if cookie[place] == "A" else "A") + cookie[place + 1 :]
        assert devices.find(changed, ADA) is None
