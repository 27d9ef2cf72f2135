"""A person's first steps, in the app and through a running server."""

from typing import Any

import httpx

from tests.conftest import bearer


async def test_register_log_in_refresh_and_log_out(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    registered = await client.post("/auth/register", json=credentials)
    assert registered.status_code == 201
    assert registered.json()["email"] == "ada@example.com"
    assert registered.json()["roles"] == ["user"]

    login = await client.post("/auth/login", json=credentials)
    assert login.status_code == 200
    first: dict[str, Any] = login.json()

    me = await client.get("/users/me", headers=bearer(first))
    assert me.json()["id"] == registered.json()["id"]

    refreshed = await client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    second = refreshed.json()
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] != first["refresh_token"]

    logout = await client.post("/auth/logout", json={"refresh_token": second["refresh_token"]})
    assert logout.status_code == 204
    assert (await client.get("/users/me", headers=bearer(second))).status_code == 401
