"""Who is at the other end of a connection, as far as the connection itself tells."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """The address and the program a request came from, and its id; nothing here proves anything.

    ``device_cookie`` is what a browser has kept of earlier logins, as it came.
    """

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    device_cookie: str | None = field(default=None, repr=False)
