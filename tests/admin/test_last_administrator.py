"""There is always somebody who can administer the service, whatever happens at the same moment.

Each test holds one change open while another one begins, on connections of their own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from auth_service.admin.acting import COMMAND_LINE
from auth_service.admin.user_change import Disabling, UserChange
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.flows.account.errors import LastAdmin
from auth_service.users import directory_repository
from tests.admin.conftest import ROOT, new_administrator
from tests.flows.people import Person
from tests.flows.stored_rows import stored_users

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]
PROMOTION = UserChange(roles=["user", "admin"])
DEMOTION = UserChange(roles=["user"])
UNTIL_IT_WAITS = 0.3
Ending = Callable[[FastAPI, UUID], Coroutine[None, None, None]]


async def user_id(app: FastAPI, email: str) -> UUID:
    found = await app.state.user_administration.get_by_address(Email.parse(email))
    identity: UUID = found.account.id
    return identity


async def change(app: FastAPI, db: Transaction, user: UUID, change: UserChange) -> None:
    await app.state.user_administration.change(db, COMMAND_LINE, user, change)


async def administrators(app: FastAPI) -> list[str]:
    return [
        user.email
        for user in await stored_users(app)
        if "admin" in user.roles and user.disabled_at is None
    ]


async def demote(app: FastAPI, user: UUID) -> None:
    async with app.state.database.transaction() as db:
        await change(app, db, user, DEMOTION)


async def disable(app: FastAPI, user: UUID) -> None:
    async with app.state.database.transaction() as db:
        await change(app, db, user, UserChange(disabling=Disabling()))


async def delete(app: FastAPI, user: UUID) -> None:
    async with app.state.database.transaction() as db:
        await app.state.user_administration.delete(db, COMMAND_LINE, user)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """One of the people, logged in."""
    return await (await Person(client).register()).log_in()


endings = pytest.mark.parametrize("end", [demote, disable, delete])


@pytest.fixture
async def root(app: FastAPI) -> UUID:
    """The only administrator."""
    await new_administrator(app)
    return await user_id(app, ROOT["email"])


@endings
async def test_one_who_was_promoted_meanwhile_is_not_ended_as_the_last(
    app: FastAPI, root: UUID, ada: Person, end: Ending
) -> None:
    ada_id = await user_id(app, ada.email)
    async with app.state.database.transaction() as db:
        await change(app, db, ada_id, PROMOTION)
        await change(app, db, root, DEMOTION)
        ending = asyncio.create_task(end(app, ada_id))
        await asyncio.sleep(UNTIL_IT_WAITS)
    with pytest.raises(LastAdmin):
        await ending
    assert await administrators(app) == [ada.email]


async def test_one_who_was_promoted_meanwhile_may_not_go_as_the_last(
    app: FastAPI, root: UUID, ada: Person
) -> None:
    ada_id = await user_id(app, ada.email)
    async with app.state.database.transaction() as db:
        await change(app, db, ada_id, PROMOTION)
        await change(app, db, root, DEMOTION)
        going: asyncio.Task[httpx.Response] = asyncio.create_task(
            ada.ask("DELETE", "/users/me", password=ada.password)
        )
        await asyncio.sleep(UNTIL_IT_WAITS)
    answer = await going
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert await administrators(app) == [ada.email]


@endings
async def test_two_who_end_each_other_leave_one(
    app: FastAPI, root: UUID, ada: Person, end: Ending
) -> None:
    ada_id = await user_id(app, ada.email)
    async with app.state.database.transaction() as db:
        await change(app, db, ada_id, PROMOTION)
    async with app.state.database.transaction() as db:
        await change(app, db, root, DEMOTION)
        ending = asyncio.create_task(end(app, ada_id))
        await asyncio.sleep(UNTIL_IT_WAITS)
    with pytest.raises(LastAdmin):
        await ending
    assert await administrators(app) == [ada.email]


@endings
async def test_one_is_left_where_the_other_is_held_while_somebody_is_promoted(
    app: FastAPI, root: UUID, ada: Person, end: Ending
) -> None:
    """Whoever looks at the administrators first, and then waits for one, has looked too early."""
    ada_id = await user_id(app, ada.email)
    async with app.state.database.transaction() as db:
        await directory_repository.lock(db, root)
        ending = asyncio.create_task(end(app, ada_id))
        await asyncio.sleep(UNTIL_IT_WAITS)
        with suppress(Exception):
            async with app.state.database.transaction() as other:
                await change(app, other, ada_id, PROMOTION)
        with suppress(LastAdmin):
            await change(app, db, root, DEMOTION)
    with suppress(LastAdmin):
        await ending
    assert len(await administrators(app)) == 1


async def test_whatever_is_done_at_once_somebody_is_left(app: FastAPI, root: UUID) -> None:
    for name in ("ada", "bob", "eve"):
        async with app.state.database.transaction() as db:
            await app.state.user_administration.create(
                db, COMMAND_LINE, Email.parse(f"{name}@example.com"), roles=["admin"], verified=True
            )
    for _ in range(5):
        everybody = [user.id for user in await stored_users(app)]
        done = await asyncio.gather(
            *(end(app, user) for user in everybody for end in (demote, disable)),
            return_exceptions=True,
        )
        assert {type(each) for each in done} <= {LastAdmin, type(None)}
        [left] = await administrators(app)
        async with app.state.database.transaction() as db:
            for user in everybody:
                again = UserChange(roles=["admin"], disabling=Disabling(enable=True))
                await change(app, db, user, again)
        assert left
