"""Service clients: made, told from one another, given new secrets, removed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.clients.client import ClientWithSecret
from auth_service.clients.client_secret import hash_of
from auth_service.clients.errors import ClientNotFound, InvalidClient
from auth_service.clients.models import RevokedToken, ServiceClient
from auth_service.clients.service import ServiceClients
from auth_service.core.errors import ValidationFailed
from tests.moving_clock import MovingClock

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"


@pytest.fixture
def clients(app: FastAPI) -> ServiceClients:
    found: ServiceClients = app.state.service_clients
    return found


async def create(app: FastAPI, name: str = "orders", *scopes: str) -> ClientWithSecret:
    async with app.state.database.transaction() as db:
        made: ClientWithSecret = await app.state.service_clients.create(db, name, scopes)
        return made


async def change(app: FastAPI, made: ClientWithSecret, **options: bool) -> ClientWithSecret:
    async with app.state.database.transaction() as db:
        changed: ClientWithSecret = await app.state.service_clients.change_secret(
            db, made.client.id, **options
        )
        return changed


async def rows(app: FastAPI, table: type[Any]) -> list[Any]:
    async with app.state.database.transaction() as db:
        return list(await db.scalars(select(table)))


async def is_accepted(clients: ServiceClients, with_secret: ClientWithSecret) -> bool:
    try:
        found = await clients.authenticate(str(with_secret.client.id), with_secret.secret)
    except InvalidClient:
        return False
    return found.id == with_secret.client.id


async def test_a_client_is_known_by_its_id_and_secret(
    app: FastAPI, clients: ServiceClients
) -> None:
    made = await create(app, "orders", "a", "b")
    found = await clients.authenticate(str(made.client.id), made.secret)
    assert (found.name, found.scopes) == ("orders", ["a", "b"])


async def test_the_database_holds_the_hash_and_not_the_secret(app: FastAPI) -> None:
    made = await create(app)
    [row] = await rows(app, ServiceClient)
    assert row.secret_hash == hash_of(made.secret)
    assert row.previous_secret_hash is None
    assert made.secret not in str(vars(row))


@pytest.mark.parametrize("secret", ["", "cs_wrong", "\ud800"])
async def test_a_wrong_secret_is_refused(
    app: FastAPI, clients: ServiceClients, secret: str
) -> None:
    made = await create(app)
    with pytest.raises(InvalidClient):
        await clients.authenticate(str(made.client.id), secret)


@pytest.mark.parametrize("client_id", ["", "orders", "auth-service", NOBODY, "\0", "x" * 99])
async def test_an_unknown_client_is_refused(
    app: FastAPI, clients: ServiceClients, client_id: str
) -> None:
    made = await create(app)
    with pytest.raises(InvalidClient):
        await clients.authenticate(client_id, made.secret)


async def test_another_client_s_secret_is_refused(app: FastAPI, clients: ServiceClients) -> None:
    one, other = await create(app), await create(app)
    with pytest.raises(InvalidClient):
        await clients.authenticate(str(one.client.id), other.secret)


async def test_a_scope_that_is_none_makes_no_client(app: FastAPI) -> None:
    with pytest.raises(ValidationFailed):
        await create(app, "orders", "two words")
    assert await rows(app, ServiceClient) == []


async def test_a_name_that_is_none_makes_no_client(app: FastAPI) -> None:
    with pytest.raises(ValidationFailed):
        await create(app, "two\nlines")
    assert await rows(app, ServiceClient) == []


async def known_as(app: FastAPI, text: str) -> list[UUID]:
    async with app.state.database.transaction() as db:
        found = await app.state.service_clients.list_known_as(db, text)
    return [client.id for client in found]


async def test_a_client_is_known_by_its_id_or_its_name(app: FastAPI) -> None:
    one, _ = await create(app, "orders"), await create(app, "shipping")
    assert await known_as(app, str(one.client.id)) == [one.client.id]
    assert await known_as(app, "orders") == [one.client.id]
    assert await known_as(app, " orders ") == [one.client.id]


async def test_all_clients_of_one_name_are_known_by_it_in_the_order_they_were_made(
    app: FastAPI,
) -> None:
    made = [(await create(app, "orders")).client.id for _ in range(3)]
    assert await known_as(app, "orders") == made


async def test_an_id_comes_before_a_name_that_looks_like_it(app: FastAPI) -> None:
    one = await create(app, "orders")
    named_so = await create(app, str(one.client.id))
    named_like_nobody = await create(app, NOBODY)
    assert await known_as(app, str(one.client.id)) == [one.client.id]
    assert await known_as(app, str(named_so.client.id)) == [named_so.client.id]
    assert await known_as(app, NOBODY) == [named_like_nobody.client.id]


@pytest.mark.parametrize("text", ["", "ORDERS", "order", "%", "\0", "\udcff", "o" * 1000])
async def test_what_is_neither_id_nor_name_is_no_client_s(app: FastAPI, text: str) -> None:
    await create(app, "orders")
    assert await known_as(app, text) == []


async def test_after_a_change_both_secrets_are_good_and_after_another_the_newer_two(
    app: FastAPI, clients: ServiceClients
) -> None:
    first = await create(app)
    second = await change(app, first)
    assert [await is_accepted(clients, secret) for secret in (first, second)] == [True, True]
    third = await change(app, first)
    accepted = [await is_accepted(clients, secret) for secret in (first, second, third)]
    assert accepted == [False, True, True]


async def test_the_others_can_be_refused_at_once(app: FastAPI, clients: ServiceClients) -> None:
    first = await create(app)
    second = await change(app, first)
    third = await change(app, first, keep_previous=False)
    accepted = [await is_accepted(clients, secret) for secret in (first, second, third)]
    assert accepted == [False, False, True]


async def test_parallel_changes_leave_two_secrets(app: FastAPI, clients: ServiceClients) -> None:
    first = await create(app)
    changed = await asyncio.gather(*(change(app, first) for _ in range(8)))
    accepted = [await is_accepted(clients, secret) for secret in changed]
    assert accepted.count(True) == 2
    assert not await is_accepted(clients, first)


async def test_a_removed_client_is_unknown(app: FastAPI, clients: ServiceClients) -> None:
    made = await create(app)
    async with app.state.database.transaction() as db:
        await clients.remove(db, made.client.id)
    assert not await is_accepted(clients, made)


async def test_what_does_not_exist_can_be_neither_changed_nor_removed(
    app: FastAPI, clients: ServiceClients
) -> None:
    async with app.state.database.transaction() as db:
        with pytest.raises(ClientNotFound):
            await clients.remove(db, uuid4())
        with pytest.raises(ClientNotFound):
            await clients.change_secret(db, uuid4())


async def test_a_revoked_token_is_noted_once_and_forgotten_when_it_has_expired(
    app: FastAPI, clients: ServiceClients, clock: MovingClock
) -> None:
    expires = clock.now() + timedelta(minutes=15)
    for _ in range(2):
        async with app.state.database.transaction() as db:
            await clients.revoke_token(db, "a-token", expires_at=expires.timestamp())
    assert await clients.is_revoked("a-token")
    assert not await clients.is_revoked("another")
    clock.advance(minutes=14)
    await clients.remove_expired()
    assert len(await rows(app, RevokedToken)) == 1
    clock.advance(minutes=1)
    await clients.remove_expired()
    assert await rows(app, RevokedToken) == []


async def test_however_many_have_expired_all_are_forgotten(
    app: FastAPI, clients: ServiceClients, clock: MovingClock
) -> None:
    async with app.state.database.transaction() as db:
        for number in range(1001):
            await clients.revoke_token(db, str(number), expires_at=clock.now().timestamp())
    await clients.remove_expired()
    assert await rows(app, RevokedToken) == []
