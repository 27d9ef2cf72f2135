"""Where a request came from: the peer, or what a trusted proxy says about it.

`X-Forwarded-For` can be written by anyone. It is believed only as far as trusted proxies wrote it:
from its right end, where the nearest proxy adds what it saw, up to the first address that is not
one of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

UNKNOWN: Final = "unknown"
_MAXIMUM_HOPS: Final = 32
_MAXIMUM_CHARACTERS: Final = 4096
_MAXIMUM_PORT: Final = 65535
_IPV6_CLIENT_PREFIX: Final = 64
_IPV4_NETWORK_PREFIX: Final = 24

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_ip(
    peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]
) -> str | None:
    """The client's address, normalised; None where the connection has none (a Unix socket).

    ``forwarded_for`` are all `X-Forwarded-For` lines, in their order. They are looked at only
    where ``trusted`` has the peer. An entry that is no address ends the walk, since nothing to the
    left of it can be believed: the last hop that was good is the client then.
    """
    if peer is None:
        return None
    address, is_proxy = _known_peer(peer, tuple(trusted))
    if not is_proxy or address is None:
        return address
    for entry in _from_the_right(forwarded_for):
        hop = _address(entry)
        if hop is None:
            break
        address = str(hop)
        if not _is_within(hop, trusted):
            break
    return address


@lru_cache(maxsize=4096)
def network_key(ip: str | None) -> str:
    """What a client is counted by: an IPv4 address as it is, an IPv6 address as its /64.

    Whoever has one IPv6 address has its whole /64, so the address alone would be no limit at all.
    """
    address = None if ip is None else _parsed(ip)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_CLIENT_PREFIX), strict=False))


@lru_cache(maxsize=4096)
def wide_network_key(ip: str | None) -> str:
    """The network a client is in: of an IPv4 address the /24, of an IPv6 address the /64."""
    address = None if ip is None else _parsed(ip)
    if isinstance(address, IPv4Address):
        return str(IPv4Network((address, _IPV4_NETWORK_PREFIX), strict=False))
    return network_key(ip)


@lru_cache(maxsize=4096)
def _known_peer(peer: str, trusted: tuple[Network, ...]) -> tuple[str | None, bool]:
    address = _parsed(peer)
    if address is None:
        return None, False
    return str(address), _is_within(address, trusted)


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _from_the_right(lines: Sequence[str]) -> list[str]:
    """The last entries, nearest first: never more than ``_MAXIMUM_HOPS``, none of them cut."""
    joined = ",".join(lines)
    tail = joined[-_MAXIMUM_CHARACTERS:]
    entries = tail.rsplit(",", _MAXIMUM_HOPS)
    if len(tail) < len(joined) or len(entries) > _MAXIMUM_HOPS:
        del entries[0]  # cut off, so it might read as somebody else's address
    return entries[::-1]


def _address(entry: str) -> Address | None:
    """The address of one entry: bare, with a port, in brackets, or both; with or without a zone."""
    text = entry.strip(" \t")
    port = ""
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in text or (port and not port.startswith(":")):
            return None
    elif text.count(":") == 1:
        text, colon, port = text.partition(":")
        port = colon + port
    if port and not _is_port(port[1:]):
        return None
    return _parsed(text)


def _is_port(text: str) -> bool:
    return (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(_MAXIMUM_PORT))
        and (int(text) <= _MAXIMUM_PORT)
    )


def _parsed(text: str) -> Address | None:
    """The address without its zone (RFC 4007); an IPv4-mapped one (RFC 4291 2.5.5.2) as IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))
