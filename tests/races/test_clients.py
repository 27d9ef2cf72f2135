"""Changes of a client's secret and revocations at the same moment, over several servers."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from auth_service.clients.client import ClientWithSecret
from auth_service.clients.client_secret import hash_of
from auth_service.clients.models import RevokedToken, ServiceClient
from auth_service.clients.service import ServiceClients
from auth_service.core.clock import SystemClock
from auth_service.db.session import Database
from tests.conftest import bearer
from tests.flows.service_tokens.conftest import Service
from tests.races.conftest import Servers
from tests.sessions.stored_sessions import all_rows, change_user

PARALLEL = 20


@pytest.fixture
async def tokens(
    servers: Servers, database: Database, credentials: dict[str, str]
) -> dict[str, Any]:
    """Those of an administrator."""
    await servers.first.post("/auth/register", json=credentials)
    await change_user(database, roles=["admin"])
    found: dict[str, Any] = (await servers.first.post("/auth/login", json=credentials)).json()
    return found


@pytest.fixture
async def service(servers: Servers, database: Database) -> Service:
    clients = ServiceClients(database=database, clock=SystemClock())
    async with database.transaction() as db:
        new = await clients.create(db, "billing", ["read", "introspection"])
    return Service(servers.first, str(new.client.id), new.secret)


async def stored_client(database: Database) -> ServiceClient:
    async with database.transaction() as db:
        return (await db.scalars(select(ServiceClient))).one()


async def stored_revocations(database: Database) -> list[RevokedToken]:
    async with database.transaction() as db:
        return list(await db.scalars(select(RevokedToken)))


async def good_among(held: list[Service]) -> list[Service]:
    return [each for each in held if (await each.ask_for_token()).status_code == 200]


async def is_dead_everywhere(servers: Servers, service: Service, token: str) -> bool:
    answers = [
        await Service(http, service.id, service.secret).introspect(token)
        for http in servers.clients
    ]
    return all(answer == {"active": False} for answer in answers)


async def change_together(
    servers: Servers, tokens: dict[str, Any], service: Service
) -> list[Service]:
    answers = await asyncio.gather(
        *(
            http.post(f"/admin/clients/{service.id}/secret", headers=bearer(tokens))
            for http in servers.take(PARALLEL)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    return [Service(servers.first, service.id, answer.json()["secret"]) for answer in answers]


async def test_of_two_changes_at_once_the_second_keeps_what_the_first_has_made(
    database: Database,
) -> None:
    clients = ServiceClients(database=database, clock=SystemClock())
    async with database.transaction() as db:
        made = await clients.create(db, "billing", [])

    async def change() -> ClientWithSecret:
        async with database.transaction() as db:
            return await clients.change_secret(db, made.client.id)

    async with database.transaction() as db:
        first = await clients.change_secret(db, made.client.id)
        changing = asyncio.create_task(change())
        # It begins while the first has not committed, and has to wait for it.
        done, _ = await asyncio.wait({changing}, timeout=0.3)
        assert not done
    second = await changing
    row = await stored_client(database)
    assert row.previous_secret_hash == hash_of(first.secret)
    assert row.secret_hash == hash_of(second.secret)


async def test_parallel_changes_leave_two_secrets_and_not_the_one_before_them(
    servers: Servers, database: Database, tokens: dict[str, Any], service: Service
) -> None:
    changed = await change_together(servers, tokens, service)
    assert len({each.secret for each in changed}) == PARALLEL
    good = await good_among([service, *changed])
    assert len(good) == 2
    assert service not in good
    row = await stored_client(database)
    assert row.secret_hash != row.previous_secret_hash


async def test_after_them_one_change_leaves_the_newest_of_them(
    servers: Servers, tokens: dict[str, Any], service: Service
) -> None:
    changed = await change_together(servers, tokens, service)
    answer = await servers.first.post(f"/admin/clients/{service.id}/secret", headers=bearer(tokens))
    last = Service(servers.first, service.id, answer.json()["secret"])
    good = await good_among([*changed, last])
    assert len(good) == 2
    assert last in good


async def revoke_together(servers: Servers, service: Service, token: str) -> set[int]:
    answers = await asyncio.gather(
        *(
            http.post("/oauth/revoke", data={"token": token}, headers=service.basic)
            for http in servers.take(PARALLEL)
        )
    )
    return {answer.status_code for answer in answers}


async def test_parallel_revocations_of_a_clients_token_all_succeed(
    servers: Servers, database: Database, service: Service
) -> None:
    token = await service.token()
    assert await revoke_together(servers, service, token) == {200}
    assert len(await stored_revocations(database)) == 1
    assert await is_dead_everywhere(servers, service, token)


async def test_parallel_revocations_of_many_tokens_all_succeed_and_are_all_remembered(
    servers: Servers, database: Database, service: Service
) -> None:
    held = [await service.token() for _ in range(PARALLEL)]
    answers = await asyncio.gather(
        *(
            http.post("/oauth/revoke", data={"token": token}, headers=service.basic)
            for http, token in zip(servers.take(PARALLEL), held, strict=True)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(await stored_revocations(database)) == PARALLEL


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_parallel_revocations_of_a_persons_token_all_succeed(
    servers: Servers,
    database: Database,
    tokens: dict[str, Any],
    service: Service,
    name: str,
) -> None:
    assert await revoke_together(servers, service, tokens[name]) == {200}
    (row,) = await all_rows(database)
    assert row.ended_because == "revoked"
    assert await is_dead_everywhere(servers, service, tokens[name])
