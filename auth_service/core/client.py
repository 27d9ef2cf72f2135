"""Who is at the other end of a connection, as far as the connection itself tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """The address and the program a request came from, and its id; nothing here proves anything."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
