"""Refresh tokens that are nobody's: refused, and nothing else happens."""

import base64
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.ids import new_id
from auth_service.core.secrets import Keyring
from auth_service.sessions import refresh_token
from tests.conftest import SECRET, AppFactory, client_of
from tests.sessions.stored_sessions import all_rows, forge, refresh, refreshed, row_of

OTHER_SECRET = "another secret of the tests, at least 32 characters"


@pytest.mark.parametrize("ahead", [1, 2, 2**48 - 1])
async def test_a_counter_ahead_is_refused_however_right_its_mac(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], ahead: int
) -> None:
    before = await all_rows(app.state.database)
    forged = await forge(app.state.database, tokens["session_id"], ahead)
    answer = await refresh(client, forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert await all_rows(app.state.database) == before


@pytest.mark.parametrize("counter", [0, 1, 2])
async def test_a_wrong_mac_is_refused_and_ends_nothing(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], counter: int
) -> None:
    await refreshed(client, tokens["refresh_token"])
    before = await all_rows(app.state.database)
    forged = await forge(app.state.database, tokens["session_id"], counter, OTHER_SECRET)
    assert (await refresh(client, forged)).status_code == 401
    assert await all_rows(app.state.database) == before


async def test_the_mac_of_another_session_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], credentials: dict[str, str]
) -> None:
    other = (await client.post("/auth/login", json=credentials)).json()["refresh_token"]
    before = await all_rows(app.state.database)
    mixed = tokens["refresh_token"][:-44] + other[-44:]
    assert (await refresh(client, mixed)).status_code == 401
    assert await all_rows(app.state.database) == before


async def test_a_token_made_from_the_database_alone_is_refused(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    row = await row_of(app.state.database, tokens["session_id"])
    for secret in (b"", row.refresh_salt, bytes(32)):
        forged = refresh_token.make(row.id, 0, Keyring((secret,)), row.refresh_salt)
        assert (await refresh(client, forged)).status_code == 401


async def test_a_token_made_from_the_secret_alone_is_refused(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    claim = refresh_token.read(tokens["refresh_token"])
    for salt in (b"", bytes(32), claim.session_id.bytes):
        forged = refresh_token.make(claim.session_id, 0, Keyring.of([SECRET]), salt)
        assert (await refresh(client, forged)).status_code == 401


async def test_a_token_of_a_session_that_never_was_is_refused(client: httpx.AsyncClient) -> None:
    invented = refresh_token.make(new_id(), 0, Keyring.of([SECRET]), b"")
    assert (await refresh(client, invented)).status_code == 401


def spoiled(token: str) -> dict[str, tuple[str, int]]:
    """Texts that are almost a token, each with the status it deserves."""
    standard = base64.b64encode(base64.urlsafe_b64decode(token[3:])).decode()
    return {
        "empty": ("", 401),
        "truncated": (token[:-1], 401),
        "padded": (token + "=", 401),
        "longer": (token + "A", 401),
        "wrong prefix": ("at_" + token[3:], 401),
        "no prefix": (token[3:], 401),
        "upper case prefix": ("RT_" + token[3:], 401),
        "another alphabet": ("rt_" + standard[:-1] + "+", 401),
        "white space": (f" {token}", 401),
        "line break": (f"{token}\n", 401),
        "last character": (token[:-1] + ("A" if token[-1] != "A" else "B"), 401),
        "512 characters": ("x" * 512, 401),
        "513 characters": ("x" * 513, 422),
        "U+0000": (token[:-1] + "\0", 422),
    }


@pytest.mark.parametrize("fault", list(spoiled("rt_" + "A" * 72)))
async def test_a_spoiled_token_is_refused_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any], fault: str
) -> None:
    before = await all_rows(app.state.database)
    text, status = spoiled(tokens["refresh_token"])[fault]
    assert (await refresh(client, text)).status_code == status
    assert await all_rows(app.state.database) == before


@pytest.mark.parametrize("value", [1, True, [], {}, ["rt_"], 1.5])
async def test_a_token_that_is_no_text_is_invalid(client: httpx.AsyncClient, value: object) -> None:
    answer = await client.post("/auth/refresh", json={"refresh_token": value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/refresh_token"


async def test_an_access_token_is_no_refresh_token(
    client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert (await refresh(client, tokens["access_token"])).status_code in {401, 422}


async def test_a_refused_token_is_not_repeated_in_the_answer(client: httpx.AsyncClient) -> None:
    for token in ("rt_" + "S" * 72, "S" * 600):
        assert "SSS" not in (await refresh(client, token)).text


async def test_after_a_change_of_secrets_old_tokens_are_good_and_new_ones_are_signed_anew(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with new_app() as app, client_of(app) as client:
        await client.post("/auth/register", json=credentials)
        opened = (await client.post("/auth/login", json=credentials)).json()
    async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as app, client_of(app) as client:
        successor = await refreshed(client, opened["refresh_token"])
        expected = await forge(app.state.database, opened["session_id"], 1, OTHER_SECRET)
        assert successor["refresh_token"] == expected
