"""How much a client may send, how long it may take, and where it has got to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from auth_service.setting_types import NO_ORIGINS, AllowedOrigins
from auth_service.web.cors import EXPOSED_HEADERS
from auth_service.web.response_headers import Header


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What a client may take: times in seconds, sizes in bytes.

    ``header_timeout`` runs from the opening of the connection and anew from the first byte of a
    request, until its head is complete; ``body_timeout`` from there until its body is.
    ``max_header_bytes`` counts the request line too, and bounds what a chunked body may spend on
    trailers and chunk extensions. ``issuer`` is where the pages about problems are; ``headers`` are
    those of every answer, and pages of ``origins`` may read refusals.
    """

    header_timeout: float = 10.0
    body_timeout: float = 20.0
    max_header_bytes: int = 32 * 1024
    issuer: str = ""
    headers: tuple[Header, ...] = ()
    origins: AllowedOrigins = NO_ORIGINS

    def headers_for(self, fields: Iterable[Header]) -> Iterator[Header]:
        """The headers of an answer that no application gives, to a request with these fields.

        A page of an allowed origin, where the request names exactly one, may read the answer.
        """
        yield from self.headers
        named = [value.decode("latin-1") for name, value in fields if name == b"origin"]
        if len(named) == 1 and self.origins.allows(named[0]):
            yield b"access-control-allow-origin", named[0].encode("latin-1")
            yield b"access-control-allow-credentials", b"true"
            yield b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode("ascii")
            yield b"vary", b"Origin"


DEFAULT_LIMITS: Final = HttpLimits()


class Reading(Enum):
    """The part of a request that is being read."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
