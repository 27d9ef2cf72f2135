"""The sockets that ``serve`` listens on."""

import errno
import socket
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Final

from auth_service.cli.running import fail

_LOOPBACK: Final = ("127.0.0.1", "::1")
# Without IPv6 an address of its cannot be bound, or no such socket can be made at all.
_NO_IPV6: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind every address of a host; ``localhost`` is 127.0.0.1 and, where there is IPv6, ::1.

    With port 0 all of them get the same free port. Ends the command with one line where an address
    cannot be bound: uvicorn would find out only after everything has been started.
    """
    with ExitStack() as unless_all_are_bound:
        bound: list[socket.socket] = []
        try:
            for address in _addresses(host, port):
                try:
                    listener = _bind(address, bound[0].getsockname()[1] if bound else port)
                except OSError as fault:
                    if bound and address == "::1" and fault.errno in _NO_IPV6:
                        continue
                    raise
                bound.append(unless_all_are_bound.enter_context(listener))
        except OSError as fault:
            fail(f"cannot listen on {host} port {port}: {fault.strerror}")
        unless_all_are_bound.pop_all()
        return bound


def is_loopback(listener: socket.socket) -> bool:
    """Whether nothing but this machine reaches a bound socket."""
    return ip_address(listener.getsockname()[0]).is_loopback


def _addresses(host: str, port: int) -> tuple[str, ...]:
    if host == "localhost":
        return _LOOPBACK
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` alone means every address, of IPv4 too.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener
