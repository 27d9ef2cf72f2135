"""Where webhooks may go: never into the network that this service stands in (SSRF).

A name is resolved once, every address it has is judged, and the connection is made to the one that
was judged: a name that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from auth_service.setting_types import Environment

MAXIMUM_URL: Final = 2048
_NAT64: Final = (IPv6Network("64:ff9b::/96"),)
# For documentation (RFC 9637); for a network's own NAT64 (RFC 8215), which leads anywhere in it.
_NEVER_PUBLIC: Final = (IPv6Network("3fff::/20"), IPv6Network("64:ff9b:1::/48"))
_PORTS: Final = {"https": 443, "http": 80}
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenTargetError(ValueError):
    """Webhooks may not go there; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes: the address to connect to, and the name to speak to."""

    host: str
    port: int
    address: str


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system finds them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_url(url: str, environment: Environment) -> SplitResult:
    """The parts of an address that webhooks may be sent to, as far as it alone tells.

    https, or in development http to this very machine.

    Raises:
        ForbiddenTargetError: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ForbiddenTargetError("This is not a URL.") from fault
    # Printable ASCII without space: what `urlsplit` leaves out in silence, such as a line break,
    # would be sent, shown and logged as it came.
    is_plain = all("!" <= character <= "~" for character in url)
    if len(url) > MAXIMUM_URL or not is_plain or not parts.hostname or port == 0:
        raise ForbiddenTargetError("This is not a URL that webhooks can be sent to.")
    if parts.username is not None or parts.fragment:
        raise ForbiddenTargetError("The URL must have neither user nor fragment.")
    own = environment is not Environment.PRODUCTION and _is_loopback_name(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and own):
        raise ForbiddenTargetError("The URL must be https.")
    return parts


async def find_target(url: str, environment: Environment, resolve: Resolve) -> Target:
    """Where a delivery may be sent now.

    Raises:
        ForbiddenTargetError: the address may not be used, or one that its name has may not.
        OSError: the name has no address.
    """
    parts = checked_url(url, environment)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    addresses = await resolve(host, port)
    if environment is Environment.PRODUCTION and not all(map(is_public, addresses)):
        raise ForbiddenTargetError("The URL's host is in a private network.")
    if not addresses:
        raise OSError("no address")
    return Target(host, port, addresses[0])


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, in whatever form it is spelled."""
    try:
        address: Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.is_site_local or any(address in network for network in _NEVER_PUBLIC):
            return False
        address = _embedded(address)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv6Address) -> Address:
    """The IPv4 address within, where there is one (RFC 4291 2.5.5, RFC 6052, RFC 3056)."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_loopback_name(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
