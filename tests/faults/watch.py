"""People who use a running server without pause while something happens to it.

async with watched(server, "a restart") as watch:
async with watch.fault():
cluster.stop()
...
cluster.start()
finding = await watch.end()
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import httpx

from tests.conftest import PASSWORD, bearer
from tests.faults.reliability import note
from tests.running_server import RunningServer

GOOD: Final = frozenset({200, 201})
PAUSE: Final = 0.05
PEOPLE: Final = 4
CALM: Final = 5
"""Good answers in a row of each kind that mean that all is as before."""
NORMAL_WITHIN: Final = 60


@dataclass(frozen=True)
class Moment:
    """One request: what it was for, when it was over, how long it took, and its status.

    A status of 0 is an answer that never came.
    """

    kind: str
    over: float
    seconds: float
    status: int


@dataclass
class Watch:
    """What became of every request; and what was acknowledged, which has to be there at the end."""

    http: httpx.AsyncClient
    moments: list[Moment] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    async def ask(self, kind: str, request: Awaitable[httpx.Response]) -> httpx.Response | None:
        """Make a request, and note what became of it."""
        started = monotonic()
        try:
            answer = await request
        except httpx.TransportError:
            answer = None
        over = monotonic()
        status = 0 if answer is None else answer.status_code
        self.moments.append(Moment(kind, over, over - started, status))
        if status not in GOOD:
            if answer is not None and (status != 503 or "retry-after" not in answer.headers):
                self.faults.append(f"{kind}: {status} {answer.text[:200]}")
            await asyncio.sleep(PAUSE)
        return answer

    async def read(self, session: dict[str, Any]) -> None:
        await self.ask("read", self.http.get("/users/me", headers=bearer(session)))

    async def refresh(self, session: dict[str, Any]) -> None:
        body = {"refresh_token": session["refresh_token"]}
        answer = await self.ask("refresh", self.http.post("/auth/refresh", json=body))
        if answer is not None and answer.status_code == 200:
            session.update(answer.json())

    async def register(self, session: dict[str, Any]) -> None:
        email = f"{session['name']}.{next(_numbers)}@example.com"
        body = {"email": email, "password": PASSWORD}
        answer = await self.ask("register", self.http.post("/auth/register", json=body))
        if answer is not None and answer.status_code == 201:
            self.registered.append(email)

    async def log_in(self, session: dict[str, Any]) -> None:
        """By somebody else: an account has so many sessions, and the oldest one gives way."""
        body = {"email": f"{session['name']}.again@example.com", "password": PASSWORD}
        await self.ask("log in", self.http.post("/auth/login", json=body))

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """The time in which something is wrong."""
        self.began = monotonic()
        yield
        self.ended = monotonic()

    async def until_normal(self) -> float:
        """Wait until every kind of request is answered as before; seconds after the fault."""
        deadline = self.ended + NORMAL_WITHIN
        while not self._is_calm():
            latest = [(moment.kind, moment.status) for moment in self.moments[-20:]]
            assert monotonic() < deadline, (self.faults[:5], latest)
            await asyncio.sleep(PAUSE)
        bad = [m.over - self.ended for m in self.moments if m.status not in GOOD]
        return max([0.0, *bad])

    def summary(self) -> str:
        """What clients saw since the fault began."""
        moments = self._since_fault()
        bad = Counter(moment.status for moment in moments if moment.status not in GOOD)
        slowest = max((moment.seconds for moment in moments), default=0.0)
        if not bad:
            return f"every request is answered, the slowest in {slowest:.1f} s"
        words = []
        for status, count in sorted(bad.items()):
            what = "503 with `Retry-After`" if status else "a lost connection"
            words.append(f"{what} ({count:,} of {len(moments):,} requests)")
        return f"{', '.join(words)}; the slowest answer in {slowest:.1f} s"

    async def assert_nothing_is_lost(self) -> None:
        """Whoever was told that they have an account has it, and every session goes on."""
        for session in self.sessions:
            body = {"refresh_token": session["refresh_token"]}
            answer = await self.http.post("/auth/refresh", json=body)
            assert answer.status_code == 200, answer.text
        for email in self.registered:
            body = {"email": email, "password": PASSWORD}
            answer = await self.http.post("/auth/login", json=body)
            assert answer.status_code == 200, (email, answer.text)

    def _since_fault(self) -> list[Moment]:
        return [moment for moment in self.moments if moment.over > self.began]

    def _is_calm(self) -> bool:
        for kind in ("read", "refresh", "register", "log in"):
            latest = [
                m.status for m in self.moments if m.kind == kind and m.over - m.seconds > self.ended
            ][-CALM:]
            if len(latest) < CALM or not GOOD.issuperset(latest):
                return False
        return True


_numbers = itertools.count()


async def _without_pause(act: Callable[[dict[str, Any]], Awaitable[None]], session: Any) -> None:
    while True:
        await act(session)
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def watched(server: RunningServer, fault: str) -> AsyncIterator[Watch]:
    """Have people use the server within the block, in which something goes wrong and is mended.

    Afterwards every request has to be answered as before, nothing acknowledged may be lost, and
    meanwhile every answer has to have been a good one or a 503 with ``Retry-After``. What was seen
    is noted for the page of reliability.
    """
    async with server.client() as http:
        watch = Watch(http)
        for number in range(PEOPLE):
            name = f"p{next(_numbers)}"
            credentials = {"email": f"{name}@example.com", "password": PASSWORD}
            again = {"email": f"{name}.again@example.com", "password": PASSWORD}
            for each in (credentials, again):
                await http.post("/auth/register", json=each)
            answer = await http.post("/auth/login", json=credentials)
            assert answer.status_code == 200, answer.text
            watch.sessions.append(answer.json() | {"name": name, "number": number})
        tasks = [
            asyncio.create_task(_without_pause(act, session))
            for session in watch.sessions
            for act in (watch.read, watch.refresh, watch.register, watch.log_in)
        ]
        try:
            await asyncio.sleep(0.5)
            yield watch
            seconds = await watch.until_normal()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert not watch.faults, watch.faults
        cuts = [moment for moment in watch.moments if not moment.status]
        assert not cuts, cuts
        await watch.assert_nothing_is_lost()
        count = len(watch.registered)
        note(
            fault,
            clients_see=watch.summary(),
            until_normal=f"{seconds:.1f} s",
            lost=f"nothing ({count:,} accounts, {PEOPLE} sessions)",
        )
