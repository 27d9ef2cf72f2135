"""The headers that every answer has, whichever layer gives it."""

from collections.abc import Iterator
from typing import Final

from auth_service.settings import Settings

Header = tuple[bytes, bytes]
_YEAR: Final = 365 * 24 * 3600
DEFAULT_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
UNLESS_SET: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", DEFAULT_POLICY.encode("ascii")),
)
"""Headers that a route may set to something else."""


def headers_of_every_answer(settings: Settings) -> tuple[Header, ...]:
    """Those of every answer; Strict-Transport-Security (RFC 6797) where the issuer is https."""
    return tuple(_always(settings))


def _always(settings: Settings) -> Iterator[Header]:
    yield b"x-content-type-options", b"nosniff"
    yield b"referrer-policy", b"no-referrer"
    yield b"cross-origin-opener-policy", b"same-origin"
    yield b"cross-origin-resource-policy", b"same-origin"
    if settings.issuer.startswith("https:"):
        yield b"strict-transport-security", b"max-age=%d; includeSubDomains" % _YEAR
