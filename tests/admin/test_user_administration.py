"""Accounts, as whoever looks after them changes them; their owners notice at once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from auth_service.admin import service
from auth_service.admin.errors import UserNotFound
from auth_service.admin.service import UserAdministration
from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from auth_service.db.session import Database
from tests.conftest import PASSWORD, bearer

ADA = Email.parse("ada@example.com")
NOBODY = Email.parse("nobody@example.com")
RIGHT = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def administration(app: FastAPI) -> UserAdministration:
    found: UserAdministration = app.state.user_administration
    return found


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


async def test_a_disabled_user_is_out_at_once_and_cannot_log_in(
    administration: UserAdministration,
    database: Database,
    client: httpx.AsyncClient,
    tokens: dict[str, Any],
    clock: Any,
) -> None:
    async with database.transaction() as db:
        account = await administration.disable(db, ADA)
    assert account.disabled_at == clock.now()
    assert account.disabled_until is None
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/auth/refresh", json=refresh)).status_code == 401
    assert (await client.post("/auth/login", json=RIGHT)).status_code == 401


async def test_an_enabled_user_may_log_in_again_but_dead_sessions_stay_dead(
    administration: UserAdministration,
    database: Database,
    client: httpx.AsyncClient,
    tokens: dict[str, Any],
) -> None:
    async with database.transaction() as db:
        await administration.disable(db, ADA)
    async with database.transaction() as db:
        account = await administration.enable(db, ADA)
    assert account.disabled_at is None
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await client.post("/auth/refresh", json=refresh)).status_code == 401
    assert (await client.post("/auth/login", json=RIGHT)).status_code == 200


async def test_a_user_disabled_until_a_time_may_log_in_after_it(
    administration: UserAdministration,
    database: Database,
    client: httpx.AsyncClient,
    tokens: dict[str, Any],
    clock: Any,
) -> None:
    async with database.transaction() as db:
        await administration.disable(db, ADA, until=clock.now() + timedelta(hours=1))
    clock.advance(minutes=59)
    assert (await client.post("/auth/login", json=RIGHT)).status_code == 401
    clock.advance(minutes=1)
    assert (await client.post("/auth/login", json=RIGHT)).status_code == 200
    assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 401


async def test_nobody_can_be_disabled_or_enabled(
    administration: UserAdministration, database: Database
) -> None:
    with pytest.raises(UserNotFound):
        async with database.transaction() as db:
            await administration.disable(db, NOBODY)
    with pytest.raises(UserNotFound):
        async with database.transaction() as db:
            await administration.enable(db, NOBODY)


async def test_only_the_named_user_is_disabled(
    administration: UserAdministration, database: Database, client: httpx.AsyncClient
) -> None:
    for email in ("ada@example.com", "bob@example.com"):
        await client.post("/auth/register", json=RIGHT | {"email": email})
    async with database.transaction() as db:
        await administration.disable(db, ADA)
    bob = await client.post("/auth/login", json=RIGHT | {"email": "bob@example.com"})
    assert bob.status_code == 200


@pytest.mark.parametrize("page", [1, 2, 3, 200])
async def test_every_account_is_listed_once_in_the_order_they_were_made(
    administration: UserAdministration,
    database: Database,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    page: int,
) -> None:
    monkeypatch.setattr(service, "_PAGE", page)
    emails = [f"user{number}@example.com" for number in range(3)]
    for email in emails:
        await client.post("/auth/register", json=RIGHT | {"email": email})
    async with database.transaction() as db:
        listed = [account.email async for account in administration.list_all(db)]
    assert listed == emails


async def test_without_accounts_the_list_is_empty(
    administration: UserAdministration, database: Database
) -> None:
    async with database.transaction() as db:
        assert [account async for account in administration.list_all(db)] == []


@pytest.mark.parametrize(
    ("roles", "exists"),
    [(("user",), False), (("user", "admin"), True), (("administrator",), False)],
)
async def test_whether_there_is_an_administrator_is_known(
    app: FastAPI,
    administration: UserAdministration,
    database: Database,
    roles: tuple[str, ...],
    *,
    exists: bool,
) -> None:
    async with database.transaction() as db:
        await app.state.registrations.create(db, ADA, PASSWORD, client=ClientInfo(), roles=roles)
    async with database.transaction() as db:
        assert await administration.exists_admin(db) is exists
