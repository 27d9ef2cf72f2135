"""The sockets of `serve`."""

import errno
import socket
from contextlib import ExitStack

import pytest

from auth_service.cli import listening
from auth_service.cli.listening import bind_sockets, is_loopback


def addresses_of(host: str) -> list[tuple[str, int]]:
    with ExitStack() as closing:
        bound = [closing.enter_context(each) for each in bind_sockets(host, 0)]
        return [each.getsockname()[:2] for each in bound]


def test_localhost_is_both_loopback_addresses_on_one_port() -> None:
    (first, port), (second, same) = addresses_of("localhost")
    assert (first, second, port) == ("127.0.0.1", "::1", same)


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_localhost_does_without_ipv6(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    bind = listening._bind

    def without_ipv6(address: str, port: int) -> socket.socket:
        if ":" in address:
            raise OSError(number, "no IPv6 here")
        return bind(address, port)

    monkeypatch.setattr(listening, "_bind", without_ipv6)
    assert [address for address, _ in addresses_of("localhost")] == ["127.0.0.1"]


def test_an_address_alone_is_that_address() -> None:
    assert [address for address, _ in addresses_of("127.0.0.2")] == ["127.0.0.2"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.2", True), ("[::1]", True), ("0.0.0.0", False), ("::", False)],  # noqa: S104
)
def test_what_is_reached_from_elsewhere_is_no_loopback(host: str, *, expected: bool) -> None:
    with ExitStack() as closing:
        bound = [closing.enter_context(each) for each in bind_sockets(host, 0)]
        assert all(map(is_loopback, bound)) is expected
