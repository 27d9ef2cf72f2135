"""A running server for a whole module of tests, and what each library says to its tokens."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from auth_service.app import create_app
from auth_service.setting_types import JwtAlgorithm
from tests.conftest import PASSWORD, SECRET, client_of, settings_for
from tests.moving_clock import MovingClock
from tests.running_server import RunningServer, serving
from tests.third_party.forger import Forger
from tests.third_party.libraries import Library, Verdict, judge

CREDENTIALS: Final = {"email": "ada@example.com", "password": PASSWORD}


@dataclass
class LiveService:
    """The server's address, a good token of its, and somebody who has seen both."""

    jwks_uri: str
    algorithm: str
    token: str
    forger: Forger
    folder: Path
    _known: dict[str, dict[str, Verdict]] = field(default_factory=dict)

    def judged_by(self, library: Library) -> dict[str, Verdict]:
        """The library's verdict on the good token and on each forgery, by name."""
        if library.name not in self._known:
            tokens = {"good": self.token, **self.forger.forgeries()}
            verdicts = self.judge(library, list(tokens.values()), folder="snippet")
            self._known[library.name] = dict(zip(tokens, verdicts, strict=True))
        return self._known[library.name]

    def judge(
        self, library: Library, tokens: list[str], *, folder: str, **constants: str
    ) -> list[Verdict]:
        """What the library's snippet, told where the keys are, says to tokens."""
        told = {"JWKS_URI": self.jwks_uri, "ALGORITHM": self.algorithm} | constants
        return judge(library, tokens, self.folder / f"{library.name}-{folder}", **told)


@contextmanager
def live_service(algorithm: str, template: Path, folder: Path) -> Iterator[LiveService]:
    """Start a server on a copy of the database, log in, and leave it running."""
    shutil.copy(template, folder / "test.db")
    url = f"sqlite+aiosqlite:///{folder / 'test.db'}"
    with asyncio.Runner() as runner:
        expired = runner.run(_yesterdays_token(url, algorithm))
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(_server(url, algorithm, folder)))
        try:
            token, published = runner.run(_token_and_key(server))
            jwks_uri = f"{server.url}/.well-known/jwks.json"
            forger = Forger(token, expired, published)
            yield LiveService(jwks_uri, algorithm, token, forger, folder)
        finally:
            runner.run(stack.aclose())


@asynccontextmanager
async def _server(url: str, algorithm: str, folder: Path) -> AsyncIterator[RunningServer]:
    environment = {
        "AUTH_ENVIRONMENT": "test",
        "AUTH_DATABASE_URL": url,
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_JWT_ALGORITHM": algorithm,
    }
    async with serving(environment, folder=folder) as server:
        yield server


async def _yesterdays_token(url: str, algorithm: str) -> str:
    """A token that the service issued a day ago, with the key it still has."""
    clock = MovingClock()
    clock.advance(days=-1)
    app = create_app(settings_for(url, jwt_algorithm=JwtAlgorithm(algorithm)), clock=clock)
    async with app.router.lifespan_context(app), client_of(app) as http:
        assert (await http.post("/auth/register", json=CREDENTIALS)).status_code == 201
        return await _log_in(http)


async def _token_and_key(server: RunningServer) -> tuple[str, dict[str, str]]:
    async with server.client() as http:
        token = await _log_in(http)
        keys: list[dict[str, str]] = (await http.get("/.well-known/jwks.json")).json()["keys"]
    return token, keys[0]


async def _log_in(http: httpx.AsyncClient) -> str:
    answer = await http.post("/auth/login", json=CREDENTIALS)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token
