"""What is measured, and by which requests: this service, bare FastAPI, and peers from a folder.

The folder of peers holds one folder for each, with a ``run.sh PORT`` that starts two workers on a
PostgreSQL of its own, ``run.sh stop`` that ends them, and ``pg/pg.sh`` for the database.
"""

import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.benchmarks.load import BEARER, CREDENTIALS, FORM, JSON, Request, User, member
from tests.benchmarks.servers import Server, bare, environment_of, ours, running
from tests.running_server import free_port

USERS = [User(f"bench{number}@example.com") for number in range(20)]
"""Sixteen for the measurement, and four to warm up with."""
PARALLEL = 4
CURRENT_USER, REFRESH, LOGIN = "current user", "refresh", "login"


@dataclass(frozen=True)
class Contender:
    """A server with its requests; ``access`` and ``refresh`` name the tokens that a login gives."""

    name: str
    start: Callable[[], AbstractContextManager[Server]]
    requests: dict[str, Request]
    register: Request | None = None
    access: str = "access_token"
    refresh: str = "refresh_token"
    is_python_peer: bool = False
    has_storm: bool = True
    seed: Request | None = None

    def register_all(self, url: str) -> None:
        """Register the users; who is there already stays."""
        request = self.register
        if request is not None:
            with ThreadPoolExecutor(PARALLEL) as threads:
                list(threads.map(lambda user: _send(url, request, user), USERS))

    def logged_in(self, url: str) -> dict[str, list[User]]:
        """The users with what each scenario begins with: an access or a refresh token, or none."""
        login = self.seed or (self.requests[LOGIN] if self.register else None)
        if login is None:
            return defaultdict(lambda: USERS)
        with ThreadPoolExecutor(PARALLEL) as threads:
            answers = list(threads.map(lambda user: _send(url, login, user), USERS))
        found = {LOGIN: USERS}
        for scenario, kind in ((CURRENT_USER, self.access), (REFRESH, self.refresh)):
            if scenario in self.requests:
                pairs = zip(USERS, answers, strict=True)
                found[scenario] = [self._with(user, kind, answer) for user, answer in pairs]
        return found

    def _with(self, user: User, kind: str, answer: httpx.Response) -> User:
        if kind != "cookie":
            return User(user.email, member(answer.text, kind))
        pairs = answer.headers.get_list("set-cookie")
        return User(user.email, "; ".join(pair.partition(";")[0] for pair in pairs))


def _send(url: str, request: Request, user: User) -> httpx.Response:
    return httpx.request(
        request.method,
        url + request.filled(request.path, user.email, user.token),
        headers=request.headers,
        content=request.filled(request.body, user.email, user.token) or None,
        timeout=60,
    )


def our_contender(url: str, rounds_of_bcrypt: int) -> Contender:
    """This service, two workers."""

    def start() -> AbstractContextManager[Server]:
        port = free_port()
        settings = environment_of(url, rounds_of_bcrypt=rounds_of_bcrypt)
        return running(ours(port, 2), settings, port)

    return Contender(
        "auth_service",
        start,
        {
            CURRENT_USER: Request("GET", "/users/me", BEARER, needs="{EMAIL}"),
            REFRESH: Request(
                "POST",
                "/auth/refresh",
                JSON,
                '{"refresh_token":"{TOKEN}"}',
                next_token="refresh_token",
            ),
            LOGIN: Request("POST", "/auth/login", JSON, CREDENTIALS),
        },
        register=Request("POST", "/auth/register", JSON, CREDENTIALS, 201),
    )


def bare_contender(url: str, rounds_of_bcrypt: int, rows: dict[str, str]) -> Contender:
    """FastAPI alone: the same reads and writes and the same hash, nothing else."""

    def start() -> AbstractContextManager[Server]:
        port = free_port()
        settings = environment_of(url, rounds_of_bcrypt=rounds_of_bcrypt, **rows)
        return running(bare(port, 2), settings, port)

    return Contender(
        "bare FastAPI",
        start,
        {
            CURRENT_USER: Request("GET", "/session", needs="bench0@example.com"),
            "two columns": Request("GET", "/row", needs="bench0@example.com"),
            REFRESH: Request("GET", "/rotation", needs="bench0@example.com"),
            LOGIN: Request("GET", "/hash"),
        },
        has_storm=False,
    )


@dataclass
class Peers:
    """The folder of peers."""

    folder: Path
    rounds_of_bcrypt: int
    ports: Iterator[int] = field(default_factory=lambda: iter(range(18100, 19000)))

    def contenders(self) -> list[Contender]:
        """Every peer, in the mode that is its best here."""
        return [
            Contender(
                "Flask original",
                self._starter("flask-seed", MODE="gthread", POOL="20"),
                {
                    CURRENT_USER: Request("GET", "/me", BEARER, needs="{EMAIL}"),
                    LOGIN: Request("POST", "/login", JSON, CREDENTIALS),
                },
                register=Request("POST", "/register", JSON, CREDENTIALS, 201),
                is_python_peer=True,
            ),
            Contender(
                "fastapi-users",
                self._starter("fastapi-users", MODE="jwt", POOL="20"),
                {
                    CURRENT_USER: Request("GET", "/users/me", BEARER, needs="{EMAIL}"),
                    LOGIN: Request(
                        "POST", "/auth/jwt/login", FORM, "username={EMAIL}&password={PASSWORD}"
                    ),
                },
                register=Request("POST", "/auth/register", JSON, CREDENTIALS, 201),
                is_python_peer=True,
            ),
            self._django("Django simplejwt, sync", MODE="sync"),
            self._django("Django simplejwt, threads", MODE="gthread"),
            Contender(
                "allauth headless",
                self._starter("allauth", MODE="jwt"),
                {
                    CURRENT_USER: Request(
                        "GET", "/_allauth/app/v1/auth/session", BEARER, needs="{EMAIL}"
                    ),
                    REFRESH: Request(
                        "POST",
                        "/_allauth/app/v1/tokens/refresh",
                        JSON,
                        '{"refresh_token":"{TOKEN}"}',
                        next_token="refresh_token",
                    ),
                    LOGIN: Request("POST", "/_allauth/app/v1/auth/login", JSON, CREDENTIALS),
                },
                register=Request("POST", "/_allauth/app/v1/auth/signup", JSON, CREDENTIALS),
                is_python_peer=True,
            ),
            Contender(
                "Better Auth",
                self._starter("better-auth"),
                {
                    CURRENT_USER: Request(
                        "GET", "/api/auth/get-session", {"Cookie": "{TOKEN}"}, needs="{EMAIL}"
                    ),
                    LOGIN: Request("POST", "/api/auth/sign-in/email", JSON, CREDENTIALS),
                },
                register=Request(
                    "POST",
                    "/api/auth/sign-up/email",
                    JSON,
                    '{"name":"bench","email":"{EMAIL}","password":"{PASSWORD}"}',
                ),
                access="cookie",
            ),
            Contender(
                "oidc-provider",
                self._starter("oidc-provider"),
                {
                    CURRENT_USER: Request("GET", "/me", BEARER, needs="{EMAIL}"),
                    REFRESH: Request(
                        "POST",
                        "/token",
                        FORM | {"Authorization": "Basic YmVuY2g6YmVuY2gtc2VjcmV0"},
                        "grant_type=refresh_token&refresh_token={TOKEN}",
                        next_token="refresh_token",
                    ),
                },
                seed=Request("GET", "/seed?email={EMAIL}"),
                has_storm=False,
            ),
        ]

    def _django(self, name: str, **mode: str) -> Contender:
        return Contender(
            name,
            self._starter("django", **mode),
            {
                CURRENT_USER: Request("GET", "/me", BEARER, needs="{EMAIL}"),
                REFRESH: Request(
                    "POST", "/token/refresh", JSON, '{"refresh":"{TOKEN}"}', next_token="refresh"
                ),
                LOGIN: Request("POST", "/token", JSON, CREDENTIALS),
            },
            register=Request("POST", "/register", JSON, CREDENTIALS, 201),
            access="access",
            refresh="refresh",
            is_python_peer=True,
        )

    def _starter(self, name: str, **settings: str) -> Callable[[], AbstractContextManager[Server]]:
        @contextmanager
        def start() -> Iterator[Server]:
            script, port = self.folder / name / "run.sh", next(self.ports)
            # A database of this run's own: hashes of another cost are another measurement.
            database = f"peer_{name.replace('-', '_')}_{os.getpid()}"
            hashing = {"HASH": f"bcrypt{self.rounds_of_bcrypt}", "DBNAME": database}
            environment = environment_of("", rounds_of_bcrypt=self.rounds_of_bcrypt)
            try:
                subprocess.run(
                    [script, str(port)],
                    env=environment | hashing | settings | {"WORKERS": "2"},
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                group = int((self.folder / name / "pid").read_text(encoding="ascii"))
                yield Server(f"http://127.0.0.1:{port}", group, 0.0)
            finally:
                subprocess.run([script, "stop"], check=True, stdout=subprocess.DEVNULL)

        return start

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database for us on the peers' PostgreSQL, whose settings are durable."""
        script = self.folder / "pg" / "pg.sh"
        subprocess.run([script, "start"], check=True, stdout=subprocess.DEVNULL)
        psql = [str(script), "psql", "-d", "postgres", "-qc"]
        subprocess.run([*psql, "DROP DATABASE IF EXISTS auth_service WITH (FORCE)"], check=True)
        subprocess.run([*psql, "CREATE DATABASE auth_service"], check=True)
        try:
            yield "postgresql://bench:bench@127.0.0.1:55432/auth_service"
        finally:
            subprocess.run([script, "stop"], check=True, stdout=subprocess.DEVNULL)
