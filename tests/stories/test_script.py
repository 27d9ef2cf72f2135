"""A script that holds its tokens itself, as `curl` would."""

from typing import Any

import httpx

from tests.conftest import bearer
from tests.moving_clock import MovingClock


async def test_a_script_works_for_a_day_on_one_login(
    client: httpx.AsyncClient, tokens: dict[str, Any], clock: MovingClock
) -> None:
    held = tokens
    for _ in range(24):
        clock.advance(hours=1)
        expired = await client.get("/users/me", headers=bearer(held))
        assert (expired.status_code, expired.json()["code"]) == (401, "invalid_access_token")
        assert expired.headers["www-authenticate"].startswith("Bearer")
        body = {"refresh_token": held["refresh_token"]}
        held = (await client.post("/auth/refresh", json=body)).json()
        assert held["session_id"] == tokens["session_id"]
        assert (await client.get("/users/me", headers=bearer(held))).status_code == 200


async def test_a_lost_answer_is_asked_for_again(
    client: httpx.AsyncClient, tokens: dict[str, Any], clock: MovingClock
) -> None:
    body = {"refresh_token": tokens["refresh_token"]}
    lost = (await client.post("/auth/refresh", json=body)).json()
    clock.advance(seconds=5)
    again = (await client.post("/auth/refresh", json=body)).json()
    assert again["refresh_token"] == lost["refresh_token"]
    assert (await client.get("/users/me", headers=bearer(again))).status_code == 200


async def test_two_scripts_that_share_one_token_are_both_out(
    client: httpx.AsyncClient, tokens: dict[str, Any], clock: MovingClock
) -> None:
    """Whoever is second with a used token may be a thief, so the session ends for both."""
    shared = {"refresh_token": tokens["refresh_token"]}
    first = (await client.post("/auth/refresh", json=shared)).json()
    clock.advance(minutes=1)
    assert (await client.post("/auth/refresh", json=shared)).status_code == 401
    assert (await client.get("/users/me", headers=bearer(first))).status_code == 401
    body = {"refresh_token": first["refresh_token"]}
    assert (await client.post("/auth/refresh", json=body)).status_code == 401


async def test_a_standard_client_gets_by_with_the_token_endpoint(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    await client.post("/auth/register", json=credentials)
    form = {
        "grant_type": "password",
        "username": credentials["email"],
        "password": credentials["password"],
    }
    first = (await client.post("/oauth/token", data=form)).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await client.post("/oauth/token", data=form)).json()
    assert (await client.get("/users/me", headers=bearer(second))).status_code == 200
    assert (await client.post("/auth/logout", headers=bearer(second))).status_code == 204
    refused = await client.post("/oauth/token", data={**form, **second})
    assert refused.json()["error"] == "invalid_grant"
