"""HTTP with the issuer: one request at a time, with everything about its answer bounded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ssl import SSLContext
from typing import Any, Final

import httpx

from auth_service.verifier.errors import FailedExchangeError

MAXIMUM_ANSWER_BYTES: Final = 65_536
# Nothing is unpacked, so that a small answer cannot become a large one.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class IssuerHttp:
    """Sends requests from any thread and event loop. Holds no connection, so nothing is closed.

    ``timeout`` is what a whole exchange may take, in seconds.
    """

    def __init__(
        self, *, timeout: float, new_client: Callable[[], httpx.AsyncClient] | None
    ) -> None:
        self._timeout = timeout
        self._new_client = new_client or self._new_default_client

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a document. No redirect is followed.

        Raises:
            FailedExchangeError: there was no whole answer in time, or it was too large.
        """
        return await self._exchange("GET", url, headers)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Send a form. No redirect is followed.

        Raises:
            FailedExchangeError: there was no whole answer in time, or it was too large.
        """
        return await self._exchange("POST", url, headers, form)

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        options: dict[str, Any] = {"headers": {**_HEADERS, **headers}, "data": form}
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._new_client() as client,
                client.stream(method, url, follow_redirects=False, **options) as response,
            ):
                body = await _body_of(response)
                return Answer(response.status_code, dict(response.headers), body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
            raise FailedExchangeError(f"{type(fault).__name__}: {fault}") from fault

    def _new_default_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self._trusted, timeout=self._timeout)

    @cached_property
    def _trusted(self) -> SSLContext:
        """Made once: reading the certificates takes longer than a request."""
        return httpx.create_ssl_context()


async def _body_of(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FailedExchangeError("the answer is packed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAXIMUM_ANSWER_BYTES:
            raise FailedExchangeError("the answer is too large")
    return bytes(body)
