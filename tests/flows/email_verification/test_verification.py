"""``POST /auth/verify-email``: an address is one's own once its mail has been answered."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import AppFactory, client_of
from tests.flows.events import actions
from tests.flows.mails import kinds, last_mail, mails
from tests.flows.people import Person
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock

VERIFY = "verify_email to ada@example.com"


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/verify-email", json={"token": token})


async def resend(client: httpx.AsyncClient, email: str = "ada@example.com") -> httpx.Response:
    return await client.post("/auth/verify-email/resend", json={"email": email})


async def is_verified(person: Person) -> bool:
    verified: bool = (await person.me()).json()["email_verified"]
    return verified


async def test_registration_mails_a_link_into_the_frontend_and_its_token_verifies(
    new_app: AppFactory,
) -> None:
    async with (
        new_app(frontend_url="https://app.example.com/accounts") as app,
        client_of(app) as client,
    ):
        ada = await (await Person(client).register()).log_in()
        assert not await is_verified(ada)
        mail = await last_mail(app, "verify_email")
        assert mail.to == "ada@example.com"
        prefix = "https://app.example.com/accounts/verify-email#token="
        assert mail.values["link"] == prefix + mail.token
        assert mail.values["valid_for"] == "24 hours"
        answer = await verify(client, mail.token)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await is_verified(ada)
        assert (await actions(app))[-1] == "email.verified"


async def test_no_request_header_gets_into_a_link(app: FastAPI, client: httpx.AsyncClient) -> None:
    headers = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    await client.post("/auth/register", json=body, headers=headers)
    assert "evil" not in str((await last_mail(app, "verify_email")).values)


async def test_a_token_is_good_once(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    token = (await last_mail(app, "verify_email")).token
    await verify(client, token)
    again = await verify(client, token)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_token")


async def test_of_twenty_tries_at_once_one_succeeds(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = (await last_mail(app, "verify_email")).token
    answers = await asyncio.gather(*(verify(client, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_the_link_uses_nothing_up(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, method: str
) -> None:
    token = (await last_mail(app, "verify_email")).token
    answer = await client.request(method, f"/auth/verify-email?token={token}")
    assert answer.status_code == 405
    assert (await verify(client, token)).status_code == 204


async def test_a_token_is_good_for_a_day(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, clock: MovingClock
) -> None:
    token = (await last_mail(app, "verify_email")).token
    clock.advance(hours=24)
    assert (await verify(client, token)).status_code == 400


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}", "A" * 43, "A" * 44, "rt_" + "A" * 72])
async def test_what_is_no_token_is_an_invalid_one(client: httpx.AsyncClient, token: str) -> None:
    answer = await verify(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_token")


async def test_a_token_for_a_new_password_verifies_nothing(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    await client.post("/auth/password/forgot", json={"email": ada.email})
    token = (await last_mail(app, "password_reset")).token
    assert (await verify(client, token)).status_code == 400
    body = {"token": token, "new_password": "difference engine 1822"}
    assert (await client.post("/auth/password/reset", json=body)).status_code == 204


async def test_login_waits_for_verification_where_that_is_required(new_app: AppFactory) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        ada = await Person(client).register()
        assert (await ada.try_to_log_in()).json()["code"] == "email_not_verified"
        await verify(client, (await last_mail(app, "verify_email")).token)
        assert (await ada.try_to_log_in()).status_code == 200


async def test_a_token_is_void_once_the_address_is_another(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    token = (await last_mail(app, "verify_email")).token
    await change_users(app, email="new@example.com", email_key="new@example.com")
    assert (await verify(client, token)).status_code == 400
    assert not await is_verified(ada)


# --- Once more ---


async def test_the_mail_can_be_sent_again_and_the_one_that_is_arriving_stays_good(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    first = await last_mail(app, "verify_email")
    answer = await resend(client)
    assert (answer.status_code, answer.json()) == (202, {})
    assert await kinds(app) == [VERIFY, VERIFY]
    assert (await last_mail(app, "verify_email")).token != first.token
    assert (await verify(client, first.token)).status_code == 204


async def test_the_newest_five_links_are_good(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    for _ in range(5):
        await resend(client)
        await mails(app)
    oldest, *newer = [mail.token for mail in await mails(app)]
    assert (await verify(client, oldest)).status_code == 400
    assert (await verify(client, newer[0])).status_code == 204


@pytest.mark.parametrize("who", ["nobody", "verified", "disabled"])
async def test_whoever_needs_no_mail_gets_none_and_the_answer_is_the_same(
    app: FastAPI, client: httpx.AsyncClient, ada: Person, clock: MovingClock, who: str
) -> None:
    if who == "verified":
        await change_users(app, email_verified=True)
    elif who == "disabled":
        await change_users(app, disabled_at=clock.now())
    known = await resend(client, "nobody@example.com" if who == "nobody" else ada.email)
    assert (known.status_code, known.json()) == (202, {})
    assert await kinds(app) == [VERIFY]


async def test_an_address_gets_so_many_mails_and_nobody_is_told_that_it_gets_no_more(
    new_app: AppFactory,
) -> None:
    async with new_app(rate_limit_mail="2/hour") as app, client_of(app) as client:
        await Person(client).register()
        answers = [await resend(client, email) for email in ["ADA@example.com"] * 5]
        assert {answer.status_code for answer in answers} == {202}
        assert await kinds(app) == [VERIFY] * 3
        await Person(client, email="bob@example.com").register()
        await resend(client, "bob@example.com")
        assert len(await mails(app)) == 5


async def test_requests_are_limited_by_client(new_app: AppFactory) -> None:
    async with new_app(rate_limit_anonymous="3/hour") as app, client_of(app) as client:
        await Person(client).register()
        assert (await resend(client)).status_code == 202
        assert (await verify(client, "x")).status_code == 400
        assert (await resend(client)).status_code == 429
