"""``AUTH_REGISTRATION=private``: the answer never tells which addresses have an account."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_users
from tests.flows.watched_hashing import count_hashing


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(registration="private", rate_limit_mail="2/hour") as started:
        yield started


async def register(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/auth/register", json={"email": email, "password": PASSWORD})


async def test_new_and_taken_are_answered_alike(client: httpx.AsyncClient) -> None:
    answers = [await register(client, "ada@example.com") for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (202, {})
    assert set(answers[0].headers) == set(answers[1].headers)


async def test_the_new_one_gets_a_link_and_the_owner_of_a_taken_one_the_news(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client, "Ada@example.com")
    await register(client, "aDA@example.com")
    assert await kinds(app) == [
        "verify_email to Ada@example.com",
        "registration_attempt to Ada@example.com",
    ]
    assert len(await stored_users(app)) == 1


async def test_the_owner_is_told_so_often_and_not_more(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for _ in range(6):
        await register(client, "ada@example.com")
    assert (await kinds(app)).count("registration_attempt to ada@example.com") == 2


async def test_an_address_that_is_kept_for_its_owner_makes_no_account(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client, "ada@example.com")
    await verify(app, client)
    ada = await Person(client).log_in()
    body = {"new_email": "new@example.com", "password": PASSWORD}
    await ada.ask("POST", "/users/me/email", **body)
    token = (await last_mail(app, "email_change_confirm")).token
    await client.post("/auth/verify-email", json={"token": token})
    before = await kinds(app)
    answer = await register(client, "ada@example.com")
    assert (answer.status_code, answer.json()) == (202, {})
    assert [user.email for user in await stored_users(app)] == ["new@example.com"]
    assert await kinds(app) == before


async def test_registering_and_logging_in_tells_nothing_about_the_address(
    new_app: AppFactory,
) -> None:
    seen = []
    async with (
        new_app(registration="private", throttle_network_tries=3) as app,
        client_of(app) as client,
    ):
        await register(client, "taken@example.com")
        await verify(app, client)
        await change_users(app, password_hash=await app.state.hasher.hash("another one"))
        for email in ("taken@example.com", "free@example.com"):
            await register(client, email)
            scheme = count_hashing(app)
            form = {"grant_type": "password", "username": email, "password": PASSWORD}
            login = await Person(client, email).try_to_log_in()
            grant = await client.post("/oauth/token", data=form)
            await Person(client, email).try_to_log_in()
            waiting = await Person(client, email).try_to_log_in()
            codes = (login.json()["code"], grant.json()["error"], waiting.json()["code"])
            seen.append((codes, list(scheme.work)))
    assert seen[0] == seen[1]
    assert seen[0][0] == ("invalid_credentials", "invalid_grant", "rate_limited")


async def test_whoever_has_verified_the_address_logs_in(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client, "ada@example.com")
    assert (await Person(client).try_to_log_in()).status_code == 401
    await verify(app, client)
    assert (await Person(client).try_to_log_in()).status_code == 200


async def verify(app: FastAPI, client: httpx.AsyncClient) -> None:
    token = (await last_mail(app, "verify_email")).token
    answer = await client.post("/auth/verify-email", json={"token": token})
    assert answer.status_code == 204
