"""Mailed tokens that have expired are deleted in the background, however many there are."""

from fastapi import FastAPI
from sqlalchemy import func, select

from auth_service.core.emails import Email
from auth_service.db.batches import BATCH
from auth_service.mailed_tokens.models import MailedToken
from auth_service.mailed_tokens.service import UNDO_TTL
from auth_service.mailed_tokens.token import Purpose
from tests.flows.people import Person
from tests.flows.stored_rows import stored_users
from tests.moving_clock import MovingClock


async def count(app: FastAPI) -> int:
    async with app.state.database.transaction() as db:
        return await db.scalar(select(func.count()).select_from(MailedToken)) or 0


async def test_what_has_expired_goes_and_what_is_good_stays(
    app: FastAPI, client: object, clock: MovingClock
) -> None:
    await Person(client).register()  # type: ignore[arg-type]
    [user] = await stored_users(app)
    address = Email.parse("old@example.com")
    async with app.state.database.transaction() as db:
        for _ in range(BATCH + 1):
            await app.state.mailed_tokens.issue(
                db, user.id, Purpose.UNDO_EMAIL_CHANGE, bound_to=address, ttl=UNDO_TTL
            )
    assert await count(app) == BATCH + 2
    clock.advance(hours=24)
    await app.state.mailed_tokens.remove_expired()
    assert await count(app) == BATCH + 1
    clock.advance(hours=48)
    await app.state.mailed_tokens.remove_expired()
    assert await count(app) == 0
