"""``/healthz``, ``/readyz`` and ``/metrics``: what whoever runs the service can rely on."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from auth_service.app import create_app
from auth_service.audit import seal_repository
from auth_service.db import schema
from auth_service.db.session import Database
from tests.conftest import AppFactory, client_of, settings_for
from tests.flows.people import Person
from tests.flows.stored_rows import execute
from tests.moving_clock import MovingClock

TOKEN = "a metrics token"


@pytest.fixture
def dead_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def without_database(port: int) -> AsyncIterator[FastAPI]:
    """The app, started while its database is away."""
    url = f"postgresql://nobody@127.0.0.1:{port}/nothing"
    app = create_app(settings_for(url), clock=MovingClock())
    async with app.router.lifespan_context(app):
        yield app


async def test_the_process_is_up(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_the_process_is_up_with_a_dead_database(dead_port: int) -> None:
    async with without_database(dead_port) as app, client_of(app) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_health_touches_nothing() -> None:
    # Neither started nor given anything that could be reached.
    app = create_app(settings_for("postgresql://nobody@127.0.0.1:1/nothing"))
    async with client_of(app) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_readiness_names_each_part(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "schema": "ok", "signing_key": "ok"},
    }


async def test_readiness_names_redis_where_it_is_configured(
    new_app: AppFactory, redis_url: str
) -> None:
    changes = {"redis_url": redis_url, "redis_timeout": timedelta(seconds=5)}
    async with new_app(**changes) as app, client_of(app) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert answer.json()["checks"]["redis"] == "ok"


async def test_a_lost_redis_is_degraded_but_ready(new_app: AppFactory, dead_port: int) -> None:
    async with (
        new_app(redis_url=f"redis://127.0.0.1:{dead_port}/0") as app,
        client_of(app) as client,
    ):
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "degraded"
        assert answer.json()["checks"]["redis"] == "degraded"
        assert answer.json()["checks"]["database"] == "ok"


async def test_events_that_are_not_sealed_any_more_are_told(
    new_app: AppFactory, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are not where somebody holds the lock that a worker takes for it."""

    async def held(*_: object) -> bool:
        return False

    async with new_app(metrics_token=TOKEN) as app, client_of(app) as client:

        async def told() -> tuple[str | None, float]:
            """What ``/readyz`` says of it, and the seconds that ``/metrics`` gives."""
            ready = await client.get("/readyz")
            assert ready.status_code == 200
            answer = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            seconds = re.search(
                r"^auth_audit_longest_unsealed_seconds (\S+)$", answer.text, re.MULTILINE
            )
            assert seconds is not None
            return ready.json()["checks"].get("audit"), float(seconds[1])

        with monkeypatch.context() as somebody_holds_the_lock:
            somebody_holds_the_lock.setattr(seal_repository, "try_lock", held)
            await Person(client).register()
            clock.advance(minutes=4)
            await app.state.audit_sealer.seal_all()
            assert await told() == (None, 240)
            clock.advance(minutes=2)
            assert await told() == ("degraded", 360)
        await app.state.audit_sealer.seal_all()
        assert await told() == (None, 0)


async def test_without_its_database_the_service_is_not_ready(dead_port: int) -> None:
    async with without_database(dead_port) as app, client_of(app) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "not_ready"
        assert answer.json()["checks"] == {
            "database": "unavailable",
            "schema": "unavailable",
            "signing_key": "unavailable",
        }
        assert answer.json()["detail"] == "Not available: database, schema, signing_key."


async def test_without_its_database_a_request_is_503_and_not_500(dead_port: int) -> None:
    body = {"email": "ada@example.com", "password": "correct horse battery staple"}
    async with without_database(dead_port) as app, client_of(app) as client:
        for path in ("/auth/register", "/auth/login"):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert str(dead_port) not in answer.text


async def ready_at(app: FastAPI, client: httpx.AsyncClient, revision: str) -> httpx.Response:
    """The answer on another schema; its revision is put back, since tests share the database."""
    await execute(app, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608 - ours
    try:
        return await client.get("/readyz")
    finally:
        await execute(app, f"UPDATE alembic_version SET version_num = '{schema.HEAD}'")  # noqa: S608 - ours


@pytest.mark.parametrize("revision", ["other", "0001", "99999"])
async def test_another_schema_is_not_ready(
    app: FastAPI, client: httpx.AsyncClient, revision: str
) -> None:
    answer = await ready_at(app, client, revision)
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "schema": "unavailable",
        "signing_key": "unavailable",
    }


async def test_the_schema_of_a_later_release_is_served(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = await ready_at(app, client, "9999")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == {"database": "ok", "schema": "degraded", "signing_key": "ok"}


async def test_a_signing_key_that_no_secret_opens_is_not_ready(new_app: AppFactory) -> None:
    async with new_app():
        pass
    # A schema at head and a foreign secret: the lifespan would refuse to start, so it is left out.
    async with new_app() as app, client_of(app) as client:
        app.state.signing_keys._keys = None
        app.state.signing_keys._keyring = type(app.state.signing_keys._keyring).of(["other" * 8])
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "schema": "ok",
        "signing_key": "unavailable",
    }


async def test_readiness_returns_with_the_database(app: FastAPI, client: httpx.AsyncClient) -> None:
    working: Database = app.state.operations._database
    lost = Database.from_settings(settings_for("postgresql://nobody@127.0.0.1:1/nothing"))
    app.state.operations._database = lost
    assert (await client.get("/readyz")).status_code == 503
    app.state.operations._database = working
    assert (await client.get("/readyz")).status_code == 200
    await lost.close()


async def test_without_a_metrics_token_there_are_no_metrics(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics", headers={"Authorization": "Bearer "})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"bearer {TOKEN}", TOKEN, f"Bearer {TOKEN} ", "Bearer Ö"],
)
async def test_metrics_ask_for_their_token(new_app: AppFactory, authorization: str | None) -> None:
    async with new_app(metrics_token=TOKEN) as app, client_of(app) as client:
        given = (
            [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
        )
        answer = await client.get("/metrics", headers=given)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_metrics_token")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text


async def test_metrics_count_requests_by_the_template_of_their_route(new_app: AppFactory) -> None:
    async with new_app(metrics_token=TOKEN) as app, client_of(app) as client:
        for path in ("/problems/not_found", "/problems/busy", "/problems/nothing", "/nowhere"):
            await client.get(path)
        await client.post("/auth/login", json={})
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    for labels, count in [
        ('method="GET",route="/problems/{code}",status="200"', 2),
        ('method="GET",route="/problems/{code}",status="404"', 1),
        ('method="GET",route="none",status="404"', 1),
        ('method="POST",route="/auth/login",status="422"', 1),
    ]:
        assert f"auth_http_requests_total{{{labels}}} {count}.0" in lines


async def test_metrics_take_no_label_from_a_request(new_app: AppFactory) -> None:
    async with new_app(metrics_token=TOKEN) as app, client_of(app) as client:
        await client.request("SPAM", "/spam")
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert 'method="other",route="none",status="404"' in answer.text
    assert "spam" not in answer.text.lower()


async def test_metrics_are_not_part_of_the_api(new_app: AppFactory) -> None:
    async with new_app(metrics_token=TOKEN) as app, client_of(app) as client:
        assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]
