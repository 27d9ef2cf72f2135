"""The life of an account, from registering to leaving, with a real mail server in between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.mail.smtp_server import Mailbox, mail_server

ADDRESS, NEW_ADDRESS = "ada@example.com", "ada@new.example.com"
FIRST, SECOND, THIRD = "analytical engine 1843", "difference engine 1822", "a third engine, 1871"


@dataclass
class Ada:
    """What Ada has: a browser and a mailbox."""

    http: httpx.AsyncClient
    mailbox: Mailbox

    async def post(self, path: str, expected: int, **body: str) -> Any:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == expected, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def log_in(self, email: str, password: str, expected: int = 200) -> Any:
        return await self.post("/auth/login", expected, email=email, password=password)

    async def ask(self, tokens: Any, method: str, path: str, expected: int, **body: str) -> Any:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = await self.http.request(method, path, json=body or None, headers=headers)
        assert answer.status_code == expected, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def mailed(self, about: str, address: str = ADDRESS) -> str:
        """The token in the next mail to the address, which is about this."""
        mail = await self.mailbox.next_to(address)
        assert about in f"{mail.subject} {mail.text}".lower(), mail.text
        return mail.token

    async def is_told(self, about: str, address: str = ADDRESS) -> None:
        mail = await self.mailbox.next_to(address)
        assert about in f"{mail.subject} {mail.text}".lower(), mail.text


@pytest.fixture
async def ada(new_server: Any) -> AsyncIterator[Ada]:
    async with (
        mail_server() as mailbox,
        new_server(AUTH_MAIL_URL=mailbox.url, AUTH_REQUIRE_VERIFIED_EMAIL="true") as server,
        server.client() as http,
    ):
        yield Ada(http, mailbox)


async def test_an_account_lives_from_registering_to_leaving(ada: Ada) -> None:
    await ada.post("/auth/register", 201, email=ADDRESS, password=FIRST)
    await ada.log_in(ADDRESS, FIRST, expected=403)
    await ada.post("/auth/verify-email", 204, token=await ada.mailed("confirm"))
    tokens = await ada.log_in(ADDRESS, FIRST)

    # Forgotten, and set anew: the old session is over.
    await ada.post("/auth/password/forgot", 202, email=ADDRESS)
    token = await ada.mailed("password")
    await ada.post("/auth/password/reset", 204, token=token, new_password=SECOND)
    await ada.post("/auth/password/reset", 400, token=token, new_password=THIRD)
    await ada.is_told("password")
    await ada.post("/auth/refresh", 401, refresh_token=tokens["refresh_token"])
    await ada.ask(tokens, "GET", "/users/me", 401)
    await ada.log_in(ADDRESS, FIRST, expected=401)

    # Another address, confirmed there; the old one takes it back.
    tokens = await ada.log_in(ADDRESS, SECOND)
    body = {"new_email": NEW_ADDRESS, "password": SECOND}
    await ada.ask(tokens, "POST", "/users/me/email", 202, **body)
    await ada.post("/auth/verify-email", 204, token=await ada.mailed("confirm", NEW_ADDRESS))
    assert (await ada.ask(tokens, "GET", "/users/me", 200))["email"] == NEW_ADDRESS
    await ada.post("/auth/email-change/undo", 204, token=await ada.mailed("changed"))
    await ada.ask(tokens, "GET", "/users/me", 401)
    await ada.log_in(ADDRESS, SECOND, expected=401)
    token = await ada.mailed("password")
    await ada.post("/auth/password/reset", 204, token=token, new_password=THIRD)
    await ada.is_told("password")

    # All that is known, and then the end.
    tokens = await ada.log_in(ADDRESS, THIRD)
    exported = await ada.ask(tokens, "GET", "/users/me/export", 200)
    assert exported["user"]["email"] == ADDRESS
    happened = [event["action"] for event in reversed(exported["security_events"])]
    assert happened == [
        *("user.registered", "login", "email.verified", "login"),
        *("password.reset_requested", "password.reset", "login", "login"),
        *("email.change_requested", "email.changed", "email.change_undone", "login"),
        *("password.reset", "login", "user.exported"),
    ]
    await ada.ask(tokens, "DELETE", "/users/me", 204, password=THIRD)
    await ada.is_told("deleted")
    await ada.ask(tokens, "GET", "/users/me", 401)
    await ada.log_in(ADDRESS, THIRD, expected=401)
    await ada.post("/auth/register", 201, email=ADDRESS, password=FIRST)
