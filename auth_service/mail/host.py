"""What this service is called among mail servers."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit


def host_of(issuer: str) -> str:
    """The issuer's host: a domain in ASCII, or an address literal (RFC 5321 section 4.1.3)."""
    host = urlsplit(issuer).hostname or "localhost"
    try:
        address = ip_address(host)
    except ValueError:
        return host.encode("idna").decode()
    return f"[IPv6:{address}]" if isinstance(address, IPv6Address) else f"[{address}]"
