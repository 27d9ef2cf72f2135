"""The issuer's JWK Set (RFC 7517), fetched once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from auth_service.verifier.errors import FailedExchangeError
from auth_service.verifier.issuer_http import Answer, IssuerHttp
from auth_service.verifier.public_keys import published_keys
from auth_service.verifier.strict import PublicKey

# Whatever the answer says: not asked for at every request, and not kept for days.
SHORTEST_TTL: Final = 30.0
LONGEST_TTL: Final = 3600.0
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_CACHE: Final = re.compile(r"(?:^|[,\s])no-(?:cache|store)\b", re.IGNORECASE)
_AGE: Final = re.compile(r"\d{1,9}")
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,200}"')


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """What a fetch brought. ``keys`` is None where they are as they were; ``ttl`` in seconds."""

    keys: Mapping[str, PublicKey] | None
    etag: str | None
    ttl: float


class JwksDocument:
    """The document at an address, of which only the keys for one algorithm are of use.

    ``default_ttl`` is how long an answer is fresh, in seconds, where it does not say.
    """

    def __init__(self, http: IssuerHttp, *, url: str, algorithm: str, default_ttl: float) -> None:
        self._http = http
        self._url = url
        self._algorithm = algorithm
        self._default_ttl = default_ttl

    async def fetch(self, etag: str | None) -> PublishedKeys:
        """The keys as they are now; ``etag`` is that of the known ones.

        Raises:
            FailedExchangeError: there was no whole answer in time, or it was neither the document
                nor that it has not changed.
            UnusableKeyError: the document has no key to verify with.
        """
        answer = await self._http.get(self._url, {"If-None-Match": etag} if etag else {})
        ttl = self._ttl_of(answer)
        if answer.status == 304 and etag is not None:  # noqa: PLR2004 - Not Modified
            return PublishedKeys(None, etag, ttl)
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise FailedExchangeError(f"answered with status {answer.status}")
        keys = published_keys(answer.body, self._algorithm)
        found = _ETAG.fullmatch(answer.headers.get("etag", ""))
        return PublishedKeys(keys, found[0] if found else None, ttl)

    def _ttl_of(self, answer: Answer) -> float:
        """How long the answer is fresh (RFC 9111 section 4.2), within sane bounds."""
        directives = answer.headers.get("cache-control", "")
        said = _MAX_AGE.search(directives)
        age = _AGE.fullmatch(answer.headers.get("age", ""))
        ttl = (float(said[1]) if said else self._default_ttl) - (float(age[0]) if age else 0.0)
        if _NO_CACHE.search(directives):
            ttl = 0.0
        return min(max(ttl, SHORTEST_TTL), LONGEST_TTL)
