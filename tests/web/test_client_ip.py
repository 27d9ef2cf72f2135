"""Who the client is: what a proxy wrote is believed, what anyone may write is not."""

from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.web.client_ip import client_ip, network_key

PROXIES: list[IPv4Network | IPv6Network] = [IPv4Network("10.0.0.0/8"), IPv6Network("fd00::/8")]
PROXY = "10.0.0.1"


def test_the_peer_is_the_client_where_no_proxy_is_trusted() -> None:
    assert client_ip("203.0.113.7", ["198.51.100.1"], []) == "203.0.113.7"


def test_the_header_of_an_untrusted_peer_is_not_believed() -> None:
    assert client_ip("203.0.113.7", ["198.51.100.1"], PROXIES) == "203.0.113.7"


def test_a_connection_without_an_address_has_no_client_address() -> None:
    assert client_ip(None, ["198.51.100.1"], PROXIES) is None


def test_a_peer_that_is_no_address_has_no_client_address() -> None:
    assert client_ip("testclient", ["198.51.100.1"], PROXIES) is None


def test_a_trusted_proxy_without_the_header_is_the_client() -> None:
    assert client_ip(PROXY, [], PROXIES) == PROXY


def test_what_the_trusted_proxy_added_is_the_client() -> None:
    assert client_ip(PROXY, ["198.51.100.1"], PROXIES) == "198.51.100.1"


def test_what_stands_left_of_the_client_is_not_believed() -> None:
    assert client_ip(PROXY, ["1.1.1.1, 198.51.100.1"], PROXIES) == "198.51.100.1"


def test_trusted_hops_are_skipped() -> None:
    assert client_ip(PROXY, ["198.51.100.1, fd00::1, 10.0.0.2"], PROXIES) == "198.51.100.1"


def test_a_trusted_address_that_the_client_wrote_itself_is_not_reached() -> None:
    assert client_ip(PROXY, ["10.9.9.9, 198.51.100.1, 10.0.0.2"], PROXIES) == "198.51.100.1"


def test_several_header_lines_are_one_list() -> None:
    assert client_ip(PROXY, ["1.1.1.1", "198.51.100.1, 10.0.0.3", "10.0.0.2"], PROXIES) == (
        "198.51.100.1"
    )


def test_where_every_hop_is_trusted_the_farthest_is_the_client() -> None:
    assert client_ip(PROXY, ["10.0.0.3, 10.0.0.2"], PROXIES) == "10.0.0.3"


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "unknown",
        "unix:",
        "_hidden",
        "198.51.100",
        "198.51.100.1.1",
        "198.51.100.256",
        "0198.51.100.1",
        "198.51.100.1:",
        "198.51.100.1:65536",
        "198.51.100.1:http",
        "198.51.100.1:²",
        "198.51.100.1:000000443",
        "[198.51.100.1]:443",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[2001:db8::1]:",
        "2001:db8::1]:443",
        "2001:db8::1%",
        "198.51.100.1%eth0",
        "198.51.100.1 198.51.100.2",
        '"198.51.100.1"',
        "\x00",
        "\ud800",
    ],
)
def test_a_malformed_entry_ends_the_walk_at_the_last_good_hop(malformed: str) -> None:
    assert client_ip(PROXY, [f"198.51.100.9, {malformed}, 10.0.0.2"], PROXIES) == "10.0.0.2"


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("\t198.51.100.1 ", "198.51.100.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:4711", "fe80::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("[::ffff:c633:6401]:4711", "198.51.100.1"),
    ],
)
def test_an_entry_is_normalised(entry: str, address: str) -> None:
    assert client_ip(PROXY, [entry], PROXIES) == address


def test_an_ipv4_mapped_peer_is_ipv4() -> None:
    assert client_ip("::ffff:203.0.113.7", [], []) == "203.0.113.7"


def test_an_ipv4_mapped_peer_is_trusted_as_ipv4() -> None:
    assert client_ip("::ffff:10.0.0.1", ["198.51.100.1"], PROXIES) == "198.51.100.1"


def test_a_peer_loses_its_zone() -> None:
    assert client_ip("fe80::1%eth0", [], []) == "fe80::1"


def test_another_list_of_proxies_is_not_answered_from_memory() -> None:
    assert client_ip(PROXY, ["198.51.100.1"], PROXIES) == "198.51.100.1"
    assert client_ip(PROXY, ["198.51.100.1"], []) == PROXY


def test_at_most_32_hops_are_followed() -> None:
    hops = ["198.51.100.1", *(f"10.0.1.{number}" for number in range(40))]
    assert client_ip(PROXY, [", ".join(hops)], PROXIES) == "10.0.1.8"


def test_exactly_32_hops_are_all_followed() -> None:
    hops = ["198.51.100.1", *("10.0.0.2" for _ in range(31))]
    assert client_ip(PROXY, [",".join(hops)], PROXIES) == "198.51.100.1"


def test_an_entry_that_is_cut_off_is_not_read_as_another_address() -> None:
    padding = " " * (4096 - len("8.51.100.1,10.0.0.2"))
    assert client_ip(PROXY, [f"198.51.100.1,{padding}10.0.0.2"], PROXIES) == "10.0.0.2"


def test_a_huge_header_is_not_walked() -> None:
    assert client_ip(PROXY, ["198.51.100.1," + "10.0.0.2," * 100_000], PROXIES) == PROXY


@given(st.lists(st.text(max_size=60), max_size=5))
def test_whatever_the_header_holds_the_answer_is_an_address(lines: list[str]) -> None:
    found = client_ip(PROXY, lines, PROXIES)
    assert network_key(found) != "unknown"


def test_an_ipv4_client_is_counted_by_its_address() -> None:
    assert network_key("198.51.100.1") == "198.51.100.1"


def test_an_ipv6_client_is_counted_by_its_64() -> None:
    assert network_key("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"


def test_addresses_of_one_64_are_one_client() -> None:
    assert network_key("2001:db8:1:2::1") == network_key("2001:db8:1:2:ffff::1")


def test_addresses_of_two_64s_are_two_clients() -> None:
    assert network_key("2001:db8:1:2::1") != network_key("2001:db8:1:3::1")


def test_an_ipv4_mapped_client_is_counted_as_ipv4() -> None:
    assert network_key("::ffff:198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize("nothing", [None, "", "testclient"])
def test_clients_without_an_address_are_counted_together(nothing: str | None) -> None:
    assert network_key(nothing) == "unknown"
