"""Access tokens of one issuer, verified in another service."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

import httpx

from auth_service.verifier.cache import DEFAULT_SIZE
from auth_service.verifier.claims import AccessClaims
from auth_service.verifier.errand import run_apart
from auth_service.verifier.introspection import ClientCredentials, Introspection
from auth_service.verifier.issuer_http import IssuerHttp
from auth_service.verifier.issuer_keys import Freshness, IssuerKeys
from auth_service.verifier.jwks import JwksDocument
from auth_service.verifier.revocations import RevocationFeed, Revocations
from auth_service.verifier.strict import StrictCheck, UnjudgedToken

DEFAULT_TIMEOUT: Final = 5.0
DEFAULT_COOLDOWN: Final = 5.0
DEFAULT_TTL: Final = 300.0
DEFAULT_STALENESS: Final = 86_400.0


class TokenVerifier:
    """Verifies access tokens offline, with the keys that their issuer publishes.

    Make one and keep it: it is safe to use from any number of threads and event loops, and there is
    nothing to close. Nothing is fetched before the first token comes.

    ``jwks_url``, ``introspection_url`` and ``revocations_url`` are those of this service where they
    are not given. With ``revocations`` the list of what was revoked is followed, so that a token is
    refused within seconds of a logout or a ban without a request for each (``RevocationFeed``).
    ``timeout`` bounds a whole exchange with the issuer. However many tokens name keys that are not
    known, there is at most one fetch in ``cooldown``. Keys are fetched anew in the background when
    they are as old as the issuer allows (``ttl`` where it does not say), and go on to serve for
    ``longest_staleness`` while that fails. All four are in seconds. ``cache_size`` tokens are
    remembered once verified. ``new_client`` makes the HTTP client of each exchange, for proxies and
    private certificate authorities. ``clock`` gives seconds since 1970, ``monotonic`` seconds that
    never go back.

    Raises:
        ValueError: the algorithm is not supported, issuer or audience is empty, an address is none,
            or a number makes no sense.
    """

    def __init__(  # noqa: PLR0913 - keywords, and only two are needed
        self,
        *,
        issuer: str,
        audience: str,
        algorithm: str = "ES256",
        jwks_url: str | None = None,
        introspection: ClientCredentials | None = None,
        introspection_url: str | None = None,
        revocations: RevocationFeed | None = None,
        revocations_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        cooldown: float = DEFAULT_COOLDOWN,
        ttl: float = DEFAULT_TTL,
        longest_staleness: float = DEFAULT_STALENESS,
        cache_size: int = DEFAULT_SIZE,
        new_client: Callable[[], httpx.AsyncClient] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        durations = (timeout, ttl, longest_staleness)
        if not all(0 < each < math.inf for each in durations) or not (
            0 <= cooldown < math.inf and cache_size >= 0
        ):
            raise ValueError("a duration or size makes no sense")
        self._clock = clock
        self._check = StrictCheck(issuer=issuer, audience=audience, algorithm=algorithm, now=clock)
        http = IssuerHttp(timeout=timeout, new_client=new_client)
        document = JwksDocument(
            http,
            url=_address(jwks_url, issuer, "/.well-known/jwks.json"),
            algorithm=algorithm,
            default_ttl=ttl,
        )
        self._keys = IssuerKeys(
            document.fetch,
            freshness=Freshness(cooldown, longest_staleness),
            cache_size=cache_size,
            monotonic=monotonic,
        )
        self._introspection = (
            Introspection(
                http,
                url=_address(introspection_url, issuer, "/oauth/introspect"),
                credentials=introspection,
            )
            if introspection
            else None
        )

        self._revocations = (
            Revocations(
                http,
                url=_address(revocations_url, issuer, "/.well-known/revocations"),
                feed=revocations,
                monotonic=monotonic,
            )
            if revocations
            else None
        )

    async def verify(self, token: str) -> AccessClaims:
        """The claims of a token that passes the strict check.

        Raises:
            InvalidTokenError: it fails a check.
            KeysUnavailableError: there are no keys to check it with.
            RevocationsUnavailableError: the list of revocations is too old.
        """
        claims = self._find_verified(token)
        if claims is None:
            unjudged = self._check.read(token)
            fetch = self._keys.fetch_for(unjudged.key_id)
            if fetch is not None:
                await asyncio.wrap_future(fetch)
            claims = self._judge(token, unjudged)
        if self._revocations is not None:
            fetch = self._revocations.wait_for()
            if fetch is not None:
                await asyncio.wrap_future(fetch)
            self._revocations.check(claims)
        return claims

    def verify_sync(self, token: str) -> AccessClaims:
        """The same, for callers without an event loop; while keys are fetched, it blocks.

        Raises:
            InvalidTokenError: it fails a check.
            KeysUnavailableError: there are no keys to check it with.
        """
        claims = self._find_verified(token)
        if claims is None:
            unjudged = self._check.read(token)
            fetch = self._keys.fetch_for(unjudged.key_id)
            if fetch is not None:
                fetch.result()
            claims = self._judge(token, unjudged)
        if self._revocations is not None:
            fetch = self._revocations.wait_for()
            if fetch is not None:
                fetch.result()
            self._revocations.check(claims)
        return claims

    async def verify_live(self, token: str) -> AccessClaims:
        """The same, and the issuer says that the token is live this moment (RFC 7662).

        Logged out, disabled, deleted or revoked is then refused at once. Where the answer tells
        roles, scopes or whether the address is verified, the claims have them as they are now.

        Raises:
            InvalidTokenError: it fails a check, or is not live.
            IssuerUnavailableError: there are no keys, or the issuer cannot be asked.
            RuntimeError: the verifier was made without ``introspection``.
        """
        introspection = self._get_introspection()
        return await introspection.ask(token, await self.verify(token))

    def verify_live_sync(self, token: str) -> AccessClaims:
        """The same, for callers without an event loop; it blocks until the issuer has answered.

        Raises:
            InvalidTokenError: it fails a check, or is not live.
            IssuerUnavailableError: there are no keys, or the issuer cannot be asked.
            RuntimeError: the verifier was made without ``introspection``.
        """
        introspection = self._get_introspection()
        claims = self.verify_sync(token)
        return run_apart(lambda: introspection.ask(token, claims)).result()

    @property
    def can_introspect(self) -> bool:
        """Whether the verifier was made with ``introspection``."""
        return self._introspection is not None

    def _find_verified(self, token: str) -> AccessClaims | None:
        keys = self._keys.find()
        return keys.verified.find(token, self._clock()) if keys else None

    def _judge(self, token: str, unjudged: UnjudgedToken) -> AccessClaims:
        keys = self._keys.get()
        claims = self._check.judge(unjudged, keys.keys)
        keys.verified.remember(token, claims)
        return claims

    def _get_introspection(self) -> Introspection:
        if self._introspection is None:
            raise RuntimeError("this verifier was made without introspection=ClientCredentials(…)")
        return self._introspection


def _address(given: str | None, issuer: str, path: str) -> str:
    address = given or issuer.rstrip("/") + path
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"neither https nor http: {address}")
    return address
