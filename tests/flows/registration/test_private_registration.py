"""``AUTH_REGISTRATION=private``: the answer never tells which addresses have an account."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.flows.stored_rows import stored_users


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
