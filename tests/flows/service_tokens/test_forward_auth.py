"""A proxy asks `GET /auth/validate` and is told who is calling, or that nobody is."""

from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from auth_service.flows.service_tokens.forward_auth import header_text
from tests.conftest import PASSWORD, bearer


async def test_a_good_token_is_answered_with_who_it_is(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    answer = await client.get("/auth/validate", headers=bearer(tokens))
    assert answer.status_code == 204
    assert answer.content == b""
    me = (await client.get("/users/me", headers=bearer(tokens))).json()
    assert answer.headers["x-auth-user-id"] == me["id"]
    assert answer.headers["x-auth-email"] == "ada@example.com"
    assert answer.headers["x-auth-roles"] == "user"
    assert answer.headers["x-auth-session-id"] == tokens["session_id"]
    assert answer.headers["cache-control"] == "no-store"


async def test_an_address_that_is_not_ascii_is_percent_encoded(client: httpx.AsyncClient) -> None:
    who = {"email": "zoë@exämple.com", "password": PASSWORD}
    assert (await client.post("/auth/register", json=who)).status_code == 201
    found = (await client.post("/auth/login", json=who)).json()
    answer = await client.get("/auth/validate", headers=bearer(found))
    assert answer.status_code == 204
    assert answer.headers["x-auth-email"].isascii()
    assert unquote(answer.headers["x-auth-email"]) == "zoë@exämple.com"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic Og=="}]
)
async def test_nobody_is_refused_and_nothing_told(
    client: httpx.AsyncClient, header: dict[str, str]
) -> None:
    answer = await client.get("/auth/validate", headers=header)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_access_token"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not any(name.startswith("x-auth-") for name in answer.headers)


async def test_a_logout_is_known_at_once(client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
    await client.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert (await client.get("/auth/validate", headers=bearer(tokens))).status_code == 401


async def test_it_is_under_no_limit(client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
    answer = await client.get("/auth/validate", headers=bearer(tokens))
    assert "ratelimit" not in answer.headers


@pytest.mark.parametrize("text", ["admin", "a b", "user:read"])
def test_plain_text_goes_into_a_header_as_it_is(text: str) -> None:
    assert header_text(text) == text


@pytest.mark.parametrize("text", ["a\r\nX-Auth-Roles: admin", "ümlaut", "\x7f", "j%C3%BCrgen"])
def test_other_text_cannot_become_another_header(text: str) -> None:
    assert header_text(text).isascii()
    assert header_text(text).isprintable()
    assert unquote(header_text(text)) == text


def test_two_addresses_never_look_alike() -> None:
    assert header_text("jürgen@x.de") != header_text("j%C3%BCrgen@x.de")
