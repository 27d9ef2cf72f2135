"""Whether a password is known from a breach, asked without telling it (k-anonymity).

The service asked is given five hexadecimal digits of the SHA-1 of a password and answers with the
rest of every hash it knows that begins so; which of them is meant, it never learns. That is the
range API of Have I Been Pwned, which others offer as well. Answers are padded, so that their length
tells nothing to whoever watches the line.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from auth_service.methods.password.spelling import normalized
from auth_service.settings import Settings

if TYPE_CHECKING:
    import httpx

BUDGET_SECONDS: Final = 0.3
"""What one question may take in all; without an answer by then, a password counts as unknown."""
PAUSE_SECONDS: Final = 30.0
"""For so long nothing is asked after a failure, so that an outage does not slow every login."""
MOST_ANSWERS: Final = 10_000
ANSWER_SECONDS: Final = 3600.0
_MAXIMUM_BYTES: Final = 262_144
_PREFIX_DIGITS: Final = 5
_HEADERS: Final = {
    "Add-Padding": "true",
    "User-Agent": "auth-service",
    # Nothing is unpacked, so that a small answer cannot become a large one.
    "Accept-Encoding": "identity",
}

log = structlog.get_logger()


class BreachedPasswords(Protocol):
    """Knows passwords that others know as well."""

    async def has(self, password: str) -> bool:
        """Whether the password is among them; False where nobody can tell now."""
        ...

    async def aclose(self) -> None:
        """Let go of what is held."""
        ...


class NoBreachedPasswords:
    """Knows none: where no service is configured to ask."""

    async def has(self, password: str) -> bool:  # noqa: ARG002 - the interface's
        """Never."""
        return False

    async def aclose(self) -> None:
        """Nothing is held."""


class RangeLookup:
    """Asks a range API, and remembers its answers for an hour, by a hash that only it can make."""

    def __init__(self, url: str, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        # Six megabytes a worker, and only where a URL is set.
        import httpx

        self._url = url
        self._http = httpx.AsyncClient(
            headers=_HEADERS, timeout=BUDGET_SECONDS, follow_redirects=False, transport=transport
        )
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._silent_until = 0.0

    async def has(self, password: str) -> bool:
        """Whether the password is among them; False where nobody can tell now."""
        digest = hashlib.sha1(
            normalized(password).encode("utf-8", "surrogatepass"), usedforsecurity=False
        )
        key = hashlib.blake2b(digest.digest(), key=self._key, digest_size=16).digest()
        known = self._answers.get(key)
        now = time.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        if now < self._silent_until:
            return False
        found = await self._asked(digest.hexdigest().upper())
        if found is None:
            return False
        self._answers[key] = now + ANSWER_SECONDS, found
        self._answers.move_to_end(key)
        if len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)
        return found

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _asked(self, digits: str) -> bool | None:
        """The answer; None where there was none, or none in time."""
        import httpx

        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                body = await self._range(digits[:_PREFIX_DIGITS])
        except (httpx.HTTPError, OSError, ValueError) as fault:
            if time.monotonic() >= self._silent_until:
                log.warning("breached_passwords_unreachable", fault=type(fault).__name__)
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            return None
        return _has(body, digits[_PREFIX_DIGITS:])

    async def _range(self, prefix: str) -> str:
        async with self._http.stream("GET", f"{self._url}/{prefix}") as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _MAXIMUM_BYTES:
                    raise ValueError("the answer is too long")
        return body.decode("ascii")


def _has(body: str, suffix: str) -> bool:
    """Whether a line such as ``0018A45C4D1DEF81644B54AB7F969B88D65:1`` has it; 0 is padding."""
    for line in body.splitlines():
        found, _, count = line.strip().partition(":")
        if found.upper() == suffix:
            # Not read as a number: one of thousands of digits is none that Python reads.
            count = count.strip()
            return count.isdigit() and count.strip("0") != ""
    return False


def breached_passwords(settings: Settings) -> BreachedPasswords:
    """What ``AUTH_BREACHED_PASSWORDS_URL`` says, or nothing that knows any."""
    url = settings.breached_passwords_url
    return RangeLookup(url) if url else NoBreachedPasswords()
