"""What the issuer has revoked lately, so that tokens are refused before they expire.

The list is fetched anew in the background, by whichever token comes when it is older than
``interval``. Where it is twice as old the token waits for it. So a token is refused at most
``2 * interval`` and one exchange after it was revoked.
"""

import logging
import math
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.errand import run_apart
from auth_service.verifier.errors import (
    FailedExchangeError,
    InvalidTokenError,
    RevocationsUnavailableError,
)
from auth_service.verifier.introspection import ClientCredentials
from auth_service.verifier.issuer_http import Answer, IssuerHttp
from auth_service.verifier.strict_json import parse_strict_json

DEFAULT_INTERVAL: Final = 5.0
DEFAULT_STALENESS: Final = 300.0
_MOST_PAGES: Final = 1000
_LISTS: Final = ("sessions", "clients", "tokens")
_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RevocationFeed:
    """That the list of revocations is followed, by whom, and how closely.

    ``client`` is a service client with the scope `revocations`. The list is fetched anew every
    ``interval`` seconds while tokens come. While that fails the last one serves for
    ``longest_staleness`` seconds; after that nothing can be said of any token.
    """

    client: ClientCredentials
    interval: float = DEFAULT_INTERVAL
    longest_staleness: float = DEFAULT_STALENESS


@dataclass(frozen=True, slots=True)
class _Page:
    entries: Mapping[tuple[str, str], float]
    keep: float
    cursor: str
    more: bool


@dataclass
class _Known:
    """Entries with what is refused (for users: tokens up to this `iat`) and when they go."""

    cursor: str | None = None
    etag: str | None = None
    entries: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


class Revocations:
    """The list of one issuer. Safe to use from any number of threads and event loops."""

    def __init__(
        self,
        http: IssuerHttp,
        *,
        url: str,
        feed: RevocationFeed,
        monotonic: Callable[[], float],
    ) -> None:
        if not 0 < feed.interval <= feed.longest_staleness < math.inf:
            raise ValueError("a duration makes no sense")
        self._http = http
        self._url = url
        self._feed = feed
        self._headers = {"Authorization": feed.client.as_basic()}
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._known = _Known()
        self._fetched_at = -math.inf
        self._next_fetch_at = -math.inf
        self._under_way: Future[None] | None = None
        self._process = os.getpid()
        self._failure = "not tried yet"

    def wait_for(self) -> Future[None] | None:
        """What to wait for before a token can be judged, if anything; it never fails."""
        age = self._monotonic() - self._fetched_at
        if age < self._feed.interval:
            return None
        under_way = self._fetch_if_due()
        return under_way if age >= 2 * self._feed.interval else None

    def check(self, claims: AccessClaims) -> None:
        """Do nothing for a token that nothing in the list is about.

        Raises:
            InvalidTokenError: it was revoked.
            RevocationsUnavailableError: the list is too old to say so of any.
        """
        now = self._monotonic()
        if now - self._fetched_at >= self._feed.longest_staleness:
            wait = max(1, math.ceil(self._next_fetch_at - now))
            raise RevocationsUnavailableError(
                f"the issuer's revocations cannot be fetched: {self._failure}",
                retry_after=min(wait, 60),
            )
        entries = self._known.entries
        for kind, value in (
            ("sessions", claims.session_id),
            ("tokens", claims.token_id),
            ("clients", claims.client_id),
        ):
            if value is not None and (kind, value) in entries:
                raise InvalidTokenError("revoked")
        not_before = entries.get(("users", claims.subject))
        if not_before is not None and claims.issued_at < not_before[0] + 1:
            raise InvalidTokenError("revoked")

    def _fetch_if_due(self) -> Future[None] | None:
        with self._lock:
            if self._process != os.getpid():
                # After a fork: the thread that was fetching stayed with the parent.
                self._process, self._under_way = os.getpid(), None
            if self._under_way is None and self._monotonic() >= self._next_fetch_at:
                under_way: Future[None] = Future()
                under_way.set_running_or_notify_cancel()
                self._under_way = under_way
                fetched = run_apart(self._fetch)
                fetched.add_done_callback(lambda done: self._settle(done, under_way))
                return under_way
            return self._under_way

    def _settle(self, fetched: Future[_Known], under_way: Future[None]) -> None:
        fault = fetched.exception()
        with self._lock:
            now = self._monotonic()
            if fault is None:
                self._known, self._fetched_at = fetched.result(), now
            else:
                self._failure = str(fault) or type(fault).__name__
            self._under_way = None
            self._next_fetch_at = now + self._feed.interval / (1 if fault is None else 2)
        if fault is not None:
            _logger.warning("the issuer's revocations could not be fetched: %s", self._failure)
        under_way.set_result(None)

    async def _fetch(self) -> _Known:
        """The list as it is now: what is new, added to what is known and counts still."""
        known, now = self._known, self._monotonic()
        entries = {key: entry for key, entry in known.entries.items() if entry[1] > now}
        cursor, etag = known.cursor, known.etag
        for _ in range(_MOST_PAGES):
            answer = await self._asked(cursor, etag)
            if answer.status == 304:  # noqa: PLR2004 - Not Modified
                break
            page = _page_in(answer)
            for key, value in page.entries.items():
                latest = max(value, entries.get(key, (value, 0.0))[0])
                entries[key] = (latest, now + page.keep)
            # The tag is of an answer to the same question: of one that had nothing to go on to.
            etag = answer.headers.get("etag") if page.cursor == cursor else None
            cursor = page.cursor
            if not page.more:
                break
        return _Known(cursor, etag, entries)

    async def _asked(self, cursor: str | None, etag: str | None) -> Answer:
        url = self._url if cursor is None else f"{self._url}?cursor={quote(cursor, safe='')}"
        headers = self._headers | ({"If-None-Match": etag} if etag else {})
        answer = await self._http.get(url, headers)
        if answer.status in {401, 403}:
            raise FailedExchangeError("the issuer does not give its revocations to this client")
        if answer.status != 200 and (answer.status != 304 or etag is None):  # noqa: PLR2004 - OK, Not Modified
            raise FailedExchangeError(f"answered with status {answer.status}")
        return answer


def _page_in(answer: Answer) -> _Page:
    try:
        said: Any = parse_strict_json(answer.body)
        entries = {(kind, str(value)): 0.0 for kind in _LISTS for value in said[kind]}
        entries |= {("users", str(user["id"])): float(user["not_before"]) for user in said["users"]}
        return _Page(entries, float(said["keep_seconds"]), str(said["cursor"]), bool(said["more"]))
    except (ValueError, KeyError, TypeError) as fault:
        raise FailedExchangeError("the issuer's revocations are malformed") from fault
