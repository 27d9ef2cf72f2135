"""Wishes for mail: each is seen to once, by any worker, and none holds up the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from auth_service.core.client import ClientInfo
from auth_service.core.clock import SystemClock
from auth_service.core.emails import Email
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database, Transaction
from auth_service.mailed_tokens import wish_repository
from auth_service.mailed_tokens.models import MailWish
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from tests.conftest import SECRET, settings_for

CLIENT = ClientInfo("198.51.100.7", "curl/8", "a-request")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database.from_settings(settings_for(database_url))
    yield found
    await found.close()


def worker(database: Database, secret: str = SECRET) -> MailWishes:
    return MailWishes(database=database, keyring=Keyring.of([secret]), clock=SystemClock())


async def put(wishes: MailWishes, database: Database, *addresses: str) -> None:
    async with database.transaction() as db:
        for address in addresses:
            await wishes.put(db, WishKind.RESET_PASSWORD, Email.parse(address), CLIENT)


async def left(database: Database) -> int:
    async with database.transaction() as db:
        return await db.scalar(select(func.count()).select_from(MailWish)) or 0


async def test_a_wish_is_seen_to_with_all_that_it_was_made_with(database: Database) -> None:
    seen: list[Wish] = []

    async def fulfil(_: Transaction, wish: Wish) -> None:
        seen.append(wish)

    wishes = worker(database)
    wishes.see_to(WishKind.RESET_PASSWORD, fulfil)
    await put(wishes, database, "Ada@example.com")
    async with asyncio.timeout(1):
        await wishes.woken.wait()
    assert await wishes.fulfil_all() == 1
    [wish] = seen
    assert (wish.email, wish.client, wish.user_id) == (
        Email.parse("Ada@example.com"),
        CLIENT,
        None,
    )
    assert await left(database) == 0


async def test_of_many_workers_each_wish_is_seen_to_by_one(database: Database) -> None:
    seen: list[str] = []

    async def fulfil(_: Transaction, wish: Wish) -> None:
        await asyncio.sleep(0.001)
        seen.append(wish.email.address)

    workers = [worker(database) for _ in range(4)]
    for each in workers:
        each.see_to(WishKind.RESET_PASSWORD, fulfil)
    names = [f"p{number}@example.com" for number in range(20)]
    await put(workers[0], database, *names)
    while await left(database):
        await asyncio.gather(*(each.fulfil_all() for each in workers))
    assert sorted(seen) == sorted(names)


async def test_a_wish_that_cannot_be_fulfilled_is_dropped_and_the_next_one_seen_to(
    database: Database,
) -> None:
    seen: list[str] = []

    async def fulfil(_: Transaction, wish: Wish) -> None:
        if wish.email.address.startswith("bad"):
            raise RuntimeError
        seen.append(wish.email.address)

    wishes = worker(database)
    wishes.see_to(WishKind.RESET_PASSWORD, fulfil)
    await put(wishes, database, "bad@example.com", "good@example.com")
    assert await wishes.fulfil_all() == 2
    assert seen == ["good@example.com"]
    assert await left(database) == 0


async def test_a_wish_whose_address_no_secret_opens_is_dropped(database: Database) -> None:
    await put(worker(database), database, "ada@example.com")
    assert await worker(database, "another secret " * 3).fulfil_all() == 1
    assert await left(database) == 0


async def test_a_lost_database_loses_no_wish(database: Database) -> None:
    async def fulfil(_: Transaction, __: Wish) -> None:
        raise ServiceUnavailable

    wishes = worker(database)
    wishes.see_to(WishKind.RESET_PASSWORD, fulfil)
    await put(wishes, database, "ada@example.com")
    with pytest.raises(ServiceUnavailable):
        await wishes.fulfil_all()
    assert await left(database) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_wish_that_another_worker_is_at_is_left_to_it(database: Database) -> None:
    await put(worker(database), database, "ada@example.com")
    async with database.transaction() as db:
        assert await wish_repository.take_oldest(db) is not None
        assert await worker(database).fulfil_all() == 0


async def test_without_wishes_there_is_nothing_to_do(database: Database) -> None:
    assert await worker(database).fulfil_all() == 0
    async with database.transaction() as db:
        assert await wish_repository.take_oldest(db) is None
