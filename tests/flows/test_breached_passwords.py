"""Where a range API is configured, passwords that are known from a breach are refused, or told."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from auth_service.methods.password import breached
from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.login.guesses import ADA, guess
from tests.flows.login.test_ladders import reset
from tests.flows.mails import kinds
from tests.flows.people import Person
from tests.methods.password.range_server import RangeServer, range_server

BREACHED = "analytical engine 1843"
NEW = "difference engine 1822"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time."""
    monkeypatch.setattr(breached, "BUDGET_SECONDS", 10.0)


@pytest.fixture
async def server() -> AsyncIterator[RangeServer]:
    async with range_server() as found:
        yield found


@pytest.fixture
async def app(new_app: AppFactory, server: RangeServer) -> AsyncIterator[FastAPI]:
    async with new_app(breached_passwords_url=server.url) as started:
        yield started


async def test_no_new_account_gets_one(app: FastAPI, server: RangeServer) -> None:
    server.known = [PASSWORD]
    async with client_of(app) as http:
        answer = await http.post("/auth/register", json={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/password", "password_breached")


async def test_no_change_and_no_reset_sets_one(app: FastAPI, server: RangeServer) -> None:
    server.known = [BREACHED]
    async with client_of(app) as http:
        ada = await (await Person(http).register()).log_in()
        answer = await ada.ask(
            "PUT", "/users/me/password", current_password=PASSWORD, new_password=BREACHED
        )
        assert answer.json()["errors"][0]["code"] == "password_breached"
        body = {"token": "x" * 43, "new_password": BREACHED}
        answer = await http.post("/auth/password/reset", json=body)
        assert answer.json()["errors"][0]["code"] == "password_breached"


async def test_one_that_has_become_known_logs_in_and_says_so(
    app: FastAPI, server: RangeServer
) -> None:
    async with client_of(app) as http:
        await Person(http).register()
        form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
        assert "password_status" not in (await guess(app, ADA, PASSWORD)).json()
        server.known = [PASSWORD]
        app.state.breached_passwords._answers.clear()
        assert (await guess(app, ADA, PASSWORD)).json()["password_status"] == "breached"
        answer = await http.post("/oauth/token", data=form)
        assert answer.json()["password_status"] == "breached"


async def test_its_owner_is_told_once_for_each_password(app: FastAPI, server: RangeServer) -> None:
    async with client_of(app) as http:
        await Person(http).register()
        server.known = [PASSWORD]
        app.state.breached_passwords._answers.clear()
        for _ in range(3):
            await guess(app, ADA, PASSWORD)
        told = f"password_breached to {ADA}"
        assert (await kinds(app)).count(told) == 1
        await reset(app, http)
        server.known = [NEW]
        app.state.breached_passwords._answers.clear()
        await guess(app, ADA, NEW)
        assert (await kinds(app)).count(told) == 2


async def test_a_wrong_password_is_not_asked_about(app: FastAPI, server: RangeServer) -> None:
    async with client_of(app) as http:
        await Person(http).register()
    before = len(server.requests)
    await guess(app, ADA, "wrong")
    assert len(server.requests) == before


async def test_an_outage_keeps_nobody_out(app: FastAPI, server: RangeServer) -> None:
    server.answer = b"HTTP/1.1 503 Gone\r\n\r\n"
    async with client_of(app) as http:
        await Person(http).register()
    assert (await guess(app, ADA, PASSWORD)).status_code == 200
