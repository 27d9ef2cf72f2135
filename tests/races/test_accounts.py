"""Accounts made and disabled at the same moment as something else happens to them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from auth_service.admin.acting import COMMAND_LINE
from auth_service.admin.service import UserAdministration
from auth_service.admin.user_change import UserChange
from auth_service.app import create_app
from auth_service.core.emails import Email
from auth_service.db.session import Database
from auth_service.users.models import User
from tests.conftest import PASSWORD, bearer, settings_for
from tests.races.conftest import Servers
from tests.sessions.stored_sessions import all_rows, refresh

ADDRESS = "ada.lovelace@example.com"
SPELLINGS = [
    ADDRESS,
    ADDRESS.upper(),
    "Ada.Lovelace@example.com",
    "ADA.lovelace@example.com",
    "ada.LOVELACE@Example.com",
    "ada.lovelace@EXAMPLE.COM",
    "ada.lovelace@example.COM",
    f" {ADDRESS}",
    f"{ADDRESS} ",
    f"\t{ADDRESS}\n",
    f"  {ADDRESS.upper()}  ",
    "aDa.lovelace@example.com",
    "adA.lovelace@example.com",
    "ada.Lovelace@example.com",
    "ada.lOvelace@example.com",
    "ada.loVelace@example.com",
    "ada.lovElace@example.com",
    "ada.loveLace@example.com",
    "ada.lovelAce@example.com",
    "ada.lovelace@\uff45xample.com",
]


async def register(client: httpx.AsyncClient, email: str) -> int:
    answer = await client.post("/auth/register", json={"email": email, "password": PASSWORD})
    return answer.status_code


async def register_together(servers: Servers, spellings: list[str]) -> list[int]:
    return sorted(
        await asyncio.gather(
            *(
                register(client, email)
                for client, email in zip(servers.take(len(spellings)), spellings, strict=True)
            )
        )
    )


async def keys(database: Database) -> list[str]:
    async with database.transaction() as db:
        return list(await db.scalars(select(User.email_key)))


async def test_of_two_registrations_of_one_address_one_makes_the_account(
    servers: Servers, database: Database
) -> None:
    addresses = [f"ada{number}@example.com" for number in range(5)]
    for address in addresses:
        assert await register_together(servers, [address] * 2) == [201, 409]
    assert sorted(await keys(database)) == addresses


async def test_of_twenty_spellings_of_one_address_one_makes_the_account(
    servers: Servers, database: Database
) -> None:
    assert await register_together(servers, SPELLINGS) == [201] + [409] * 19
    assert await keys(database) == [ADDRESS]


async def log_in(client: httpx.AsyncClient, address: str) -> httpx.Response:
    return await client.post("/auth/login", json={"email": address, "password": PASSWORD})


async def assert_dead(servers: Servers, given: dict[str, Any]) -> None:
    for client in servers.clients:
        assert (await client.get("/users/me", headers=bearer(given))).status_code == 401
        assert (await refresh(client, given["refresh_token"])).status_code == 401


@pytest.fixture
async def administration(database_url: str) -> AsyncIterator[UserAdministration]:
    """The service that `auth-service users disable` calls, in this process."""
    state = create_app(settings_for(database_url)).state
    yield state.user_administration
    await state.hasher.aclose()
    await state.database.close()


async def test_a_login_that_races_the_disabling_of_its_account_leaves_nothing_usable(
    servers: Servers, database: Database, administration: UserAdministration
) -> None:
    for delay in (0, 0.005, 0.01, 0.02, 0.04):
        address = f"ada-{delay}@example.com"
        email = Email.parse(address)
        await register(servers.first, address)
        logins = [asyncio.create_task(log_in(client, address)) for client in servers.take(10)]
        await asyncio.sleep(delay)
        async with database.transaction() as db:
            await administration.disable(db, email)
        answers = await asyncio.gather(*logins)
        # Once it is disabled each is a wrong password, and after some of those one has to wait.
        assert {answer.status_code for answer in answers} <= {200, 401, 429}
        assert [row for row in await all_rows(database) if row.ended_at is None] == []
        async with database.transaction() as db:
            await administration.enable(db, email)
        for answer in answers:
            if answer.status_code == 200:
                await assert_dead(servers, answer.json())


async def test_of_administrators_who_demote_each_other_at_once_one_stays(
    servers: Servers, database: Database, administration: UserAdministration
) -> None:
    """Whatever they do to each other: nobody waits for ever, and somebody can administer."""
    clients = servers.take(4)
    headers, paths = [], []
    for number, client in enumerate(clients):
        address = f"admin{number}@example.com"
        await register(client, address)
        async with database.transaction() as db:
            found = await administration.get_by_address(Email.parse(address))
            change = UserChange(roles=["admin"])
            await administration.change(db, COMMAND_LINE, found.id, change)
        answer = await client.post("/auth/login", json={"email": address, "password": PASSWORD})
        headers.append(bearer(answer.json()))
        paths.append(f"/admin/users/{found.id}")
    bodies: tuple[Any, ...] = ({"roles": ["user"]}, {"disabled": True}, None, {"roles": []})
    answers = await asyncio.gather(
        *(
            client.request("DELETE" if body is None else "PATCH", path, headers=own, json=body)
            for client, path, own, body in zip(
                clients, [*paths[1:], paths[0]], headers, bodies, strict=True
            )
        )
    )
    # Who was demoted first is refused; whoever would have demoted the last one is told so.
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}
    async with database.transaction() as db:
        assert await administration.exists_admin(db)


async def test_of_changes_of_what_was_seen_at_once_one_is_made(
    servers: Servers, database: Database, administration: UserAdministration
) -> None:
    client = servers.first
    for address in ("root@example.com", "ada@example.com"):
        await register(client, address)
    root = await administration.get_by_address(Email.parse("root@example.com"))
    ada = await administration.get_by_address(Email.parse("ada@example.com"))
    async with database.transaction() as db:
        await administration.change(db, COMMAND_LINE, root.id, UserChange(roles=["admin"]))
    login = {"email": "root@example.com", "password": PASSWORD}
    headers = bearer((await client.post("/auth/login", json=login)).json())
    path = f"/admin/users/{ada.id}"
    headers["If-Match"] = (await client.get(path, headers=headers)).headers["etag"]
    answers = await asyncio.gather(
        *(
            one.patch(path, json={"roles": [f"role{number}"]}, headers=headers)
            for number, one in enumerate(servers.take(10))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
