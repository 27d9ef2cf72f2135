"""How much a client may send, how long it may take, and where it has got to."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What a client may take: times in seconds, sizes in bytes.

    ``header_timeout`` runs from the opening of the connection and anew from the first byte of a
    request, until its head is complete; ``body_timeout`` from there until its body is.
    ``max_header_bytes`` counts the request line too, and bounds what a chunked body may spend on
    trailers and chunk extensions. ``issuer`` is where the pages about problems are.
    """

    header_timeout: float = 10.0
    body_timeout: float = 20.0
    max_header_bytes: int = 32 * 1024
    issuer: str = ""


DEFAULT_LIMITS: Final = HttpLimits()


class Reading(Enum):
    """The part of a request that is being read."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
