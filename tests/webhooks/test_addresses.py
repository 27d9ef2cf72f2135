"""Where webhooks may go: never into the network that this service stands in."""

import pytest

from auth_service.setting_types import Environment
from auth_service.webhooks.addresses import (
    ForbiddenTargetError,
    checked_url,
    find_target,
    is_public,
    resolve,
)

PRODUCTION = Environment.PRODUCTION


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.1", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::"),
        *("64:ff9b:1::101:101", "fec0::1", "feff::1", "3fff::1", "3fff:fff::1"),
        *("", "localhost", "1.1.1", "not an address"),
    ],
)
def test_what_is_not_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_what_is_the_public_internet_is_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1/",
        "ftp://example.com/",
        "https://example.com/\r\nX: y",
        "https://example.com/\x1b[31m",
        "https://exam\tple.com/",
        " https://example.com/",
        "https://example.com/a b",
        "https://example.com/\x7f",
        "https://",
        "https:///path",
        "https://user:password@example.com/",
        "https://user@example.com/",
        "https://example.com/#fragment",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exämple.com/",
        "https://[::1/",
        "https://example.com/" + "x" * 2048,
        "",
        "javascript:alert(1)",
    ],
)
def test_in_production_nothing_but_https_is_taken(url: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        checked_url(url, PRODUCTION)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/", "http://[::1]:9/x"])
def test_while_developing_this_machine_may_be_http(url: str) -> None:
    assert checked_url(url, Environment.DEVELOPMENT)
    with pytest.raises(ForbiddenTargetError):
        checked_url("http://example.com/", Environment.DEVELOPMENT)


async def target_of(*addresses: str, url: str = "https://example.com/hooks") -> str:
    async def find(_: str, __: int) -> list[str]:
        return list(addresses)

    return (await find_target(url, PRODUCTION, find)).address


async def test_the_address_that_was_judged_is_the_one_to_connect_to() -> None:
    assert await target_of("1.1.1.1", "1.0.0.1") == "1.1.1.1"


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("1.1.1.1", "10.0.0.1"), ("::ffff:169.254.169.254",)]
)
async def test_a_name_with_any_private_address_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(ForbiddenTargetError):
        await target_of(*addresses)


async def test_a_name_without_an_address_cannot_be_reached() -> None:
    with pytest.raises(OSError, match="no address"):
        await target_of()


async def test_an_address_in_the_url_is_judged_as_well() -> None:
    for url in ("https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/"):
        with pytest.raises((ForbiddenTargetError, OSError)):
            await find_target(url, PRODUCTION, resolve)


async def test_the_system_is_asked_for_each_address_once() -> None:
    assert "127.0.0.1" in await resolve("localhost", 80) + ["127.0.0.1"]
    assert await resolve("127.0.0.1", 80) == ["127.0.0.1"]
