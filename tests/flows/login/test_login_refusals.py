"""Why a login was refused is told nobody: not by the answer, not by the work, not by the log."""

import json

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.secrets import Keyring
from tests.conftest import PASSWORD, SECRET, AppFactory, client_of
from tests.flows.stored_rows import change_users, stored_sessions
from tests.flows.watched_hashing import count_hashing

ADDRESS = "ada@example.com"
RIGHT = {"email": ADDRESS, "password": PASSWORD}
REFUSED = ["unknown-address", "wrong-password", "disabled", "without-password", "damaged-hash"]


async def refuse(app: FastAPI, client: httpx.AsyncClient, why: str) -> httpx.Response:
    """A login that is refused for this reason."""
    body = dict(RIGHT)
    if why == "unknown-address":
        body["email"] = "bob@example.com"
    elif why == "wrong-password":
        body["password"] = "not this one"
    elif why == "disabled":
        await change_users(app, disabled_at=app.state.login._clock.now())
    elif why == "without-password":
        await change_users(app, password_hash=None)
    else:
        await change_users(app, password_hash="$bcrypt-sha256$v=2,t=2b,r=4$damaged")
    return await client.post("/auth/login", json=body)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of the app that Ada has registered with."""
    await client.post("/auth/register", json=RIGHT)
    return client


@pytest.mark.parametrize("why", REFUSED)
async def test_a_refused_login_is_401_and_opens_no_session(
    app: FastAPI, ada: httpx.AsyncClient, why: str
) -> None:
    answer = await refuse(app, ada, why)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await stored_sessions(app) == []


async def test_every_refusal_has_the_same_body_and_headers(
    app: FastAPI, ada: httpx.AsyncClient
) -> None:
    answers = [await refuse(app, ada, why) for why in REFUSED]
    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    headers = [
        {name: value for name, value in answer.headers.items() if not _changes(name)}
        for answer in answers
    ]
    assert bodies == [bodies[0]] * len(REFUSED)
    assert headers == [headers[0]] * len(REFUSED)


@pytest.mark.parametrize("why", REFUSED)
async def test_every_refusal_does_the_work_of_one_password(
    app: FastAPI, ada: httpx.AsyncClient, why: str
) -> None:
    scheme = count_hashing(app)
    await refuse(app, ada, why)
    assert set(scheme.work) == {"verify"}
    # A damaged hash is found out before any work: then the decoy's is done, and only that.
    assert len(scheme.work) == (2 if why == "damaged-hash" else 1)


async def test_a_disabled_account_is_told_nothing_even_where_addresses_must_be_verified(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        answer = await refuse(app, client, "disabled")
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("why", REFUSED)
async def test_the_log_has_neither_the_address_nor_the_password(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str], why: str
) -> None:
    async with new_app(log_format="json", log_level="debug") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        await refuse(app, client, why)
    log = capsys.readouterr().out
    assert '"event": "login_failed"' in log
    for secret in (ADDRESS, "bob@example.com", PASSWORD, "not this one"):
        assert secret not in log


async def test_a_failure_is_logged_under_a_keyed_hash_that_all_spellings_share(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(log_format="json") as app, client_of(app) as client:
        for email in (ADDRESS, " ADA@Example.com ", "bob@example.com"):
            await client.post("/auth/login", json={"email": email, "password": "wrong"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failures = [line for line in lines if line["event"] == "login_failed"]
    first, second, other = (line["address"] for line in failures)
    assert first == second != other
    assert first == Keyring.of([SECRET]).mac("log-address", ADDRESS.encode())[:12].hex()
    assert {line["client"] for line in failures} == {"198.51.100.7"}


async def test_a_success_is_logged_by_ids_alone(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(log_format="json", log_level="debug") as app, client_of(app) as client:
        user = (await client.post("/auth/register", json=RIGHT)).json()
        tokens = (await client.post("/auth/login", json=RIGHT)).json()
    log = capsys.readouterr().out
    line = next(json.loads(line) for line in log.splitlines() if '"event": "login"' in line)
    assert (line["user_id"], line["session_id"]) == (user["id"], tokens["session_id"])
    for secret in (ADDRESS, PASSWORD, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log


def _changes(name: str) -> bool:
    return name in {"x-request-id", "ratelimit"}
